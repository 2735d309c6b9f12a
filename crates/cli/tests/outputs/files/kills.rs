//! Commands that are killed with `kill -9` at random points, and two commands that write one file.

use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use cloudauth_tests::{Dice, names};

use super::super::command;
use super::super::support::said;
use super::{Writing, run, writing};

/// The kills of each command: six, or `CLOUDAUTH_KILLS`. A third of it is how often two commands write one file.
pub(super) fn kills() -> u64 {
    std::env::var("CLOUDAUTH_KILLS").map_or(6, |kills| kills.parse().unwrap())
}

/// What the kills met. Printed, because a test cannot require what depends on time.
#[derive(Debug, Default)]
struct Met {
    kills: u64,
    /// The command had ended before the kill, which does not count.
    too_late: u64,
    unfinished: u64,
    new: u64,
}

/// Starts a command and kills it after a random time, until so many kills have hit a running command. Every second command is
/// killed when the folder has an unfinished file, or a little later. `check` looks at the files after each, and returns whether
/// they are new.
fn kill(
    dice: &mut Dice,
    folder: &Path,
    command: impl Fn() -> Command,
    time: Duration,
    check: impl Fn() -> bool,
) -> Met {
    let mut met = Met::default();
    let mut longest = [time, time / 8];
    while met.kills < kills() {
        let aims = (met.kills + met.too_late) % 2;
        let mut command = command();
        let before = names(folder).len();
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        while aims == 1 && names(folder).len() == before && is_running(&mut child) {
            std::thread::sleep(Duration::from_micros(50));
        }
        let longest = &mut longest[aims as usize];
        std::thread::sleep(Duration::from_micros(dice.roll(longest.as_micros() as usize + 1) as u64));
        child.kill().unwrap();
        let status = child.wait().unwrap();
        let is_new = check();
        if status.signal() == Some(9) {
            met.kills += 1;
            met.unfinished += u64::from(names(folder).len() > before);
            met.new += u64::from(is_new);
        } else {
            assert!(status.success() && is_new, "{status}");
            met.too_late += 1;
            *longest = *longest * 3 / 4;
        }
        assert!(met.too_late < kills() + 1000, "{met:?}");
    }
    met
}

fn is_running(child: &mut Child) -> bool {
    child.try_wait().unwrap().is_none()
}

/// A hard link to the old file keeps the old content.
#[test]
fn a_kill_at_any_point_leaves_the_old_file_or_the_new_one() {
    let (inputs, outputs) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let link = inputs.path().join("link");
    let mut dice = Dice(1);
    for writing in writing(inputs.path(), outputs.path()) {
        let Writing { args, file, old, .. } = &writing;
        let start = Instant::now();
        let new = whole(&writing, &[args], inputs.path(), outputs.path());
        let time = start.elapsed();
        let command = || {
            // Not into the old file, which has a link.
            let _ = fs::remove_file(file);
            let _ = fs::remove_file(&link);
            writing.prepare(outputs.path());
            old.iter().for_each(|_| fs::hard_link(file, &link).unwrap());
            run(&writing, inputs.path())
        };
        let check = || {
            let found = fs::read(file).ok();
            let is_new = found.as_ref() == Some(&new);
            assert!(is_new || found == *old, "{args:?}: neither the old file nor the new one");
            assert!(fs::read(&link).ok() == *old, "{args:?}: the old file was written to");
            is_new
        };
        let met = kill(&mut dice, outputs.path(), command, time, check);
        println!("{args:?}: {met:?}");
        let left = names(outputs.path());
        let is_known =
            |name: &String| name == "out" || name.starts_with("out.") && name.ends_with(".partial");
        assert!(left.iter().all(is_known), "{args:?}: {left:?}");
        // What is left does not matter to the next run.
        let output = command().output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{args:?}: {}", said(&output));
        assert!(check(), "{args:?}");
        clear(outputs.path());
    }
}

/// The pages are replaced one after the other.
#[cfg(feature = "shell")]
#[test]
fn pages_of_the_manual_are_old_or_new_after_a_kill_at_any_point() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().to_str().unwrap();
    let begun = Instant::now();
    assert!(command(&["man", path], folder.path()).output().unwrap().status.success());
    let time = begun.elapsed();
    let pages = names(folder.path()).into_iter().map(|name| folder.path().join(name));
    let pages: Vec<_> = pages.map(|path| (path.clone(), fs::read(path).unwrap())).collect();
    let start = || {
        pages.iter().for_each(|(path, _)| fs::write(path, "old").unwrap());
        command(&["man", path], folder.path())
    };
    let check = || {
        let is_new = |(path, page): &(_, Vec<u8>)| {
            let found = fs::read::<&std::path::PathBuf>(path).unwrap();
            assert!(found == b"old" || found == *page, "{}: {} bytes", path.display(), found.len());
            found == *page
        };
        pages.iter().filter(|page| is_new(page)).count() == pages.len()
    };
    let met = kill(&mut Dice(1), folder.path(), start, time, check);
    println!("man: {met:?}");
    assert!(start().output().unwrap().status.success() && check());
}

#[test]
fn two_commands_that_write_one_file_leave_the_whole_file_of_one() {
    let (inputs, outputs) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (inputs, outputs) = (inputs.path(), outputs.path());
    for writing in writing(inputs, outputs) {
        let (one, two) = (&writing.args, writing.other.as_ref().unwrap_or(&writing.args));
        let changes_its_input = one.contains(&"--write".to_owned());
        let mut orders = vec![vec![one], vec![two]];
        if changes_its_input {
            // It may have read the file that the other has written.
            orders.extend([vec![one, two], vec![two, one]]);
        }
        let files: Vec<_> = orders.iter().map(|order| whole(&writing, order, inputs, outputs)).collect();
        assert_eq!(files[0] == files[1], writing.other.is_none(), "{one:?} and {two:?}");
        // The slower one is refused if it writes new files only, or has read what the other has replaced.
        let refused = match writing.old {
            None => 2,
            Some(_) if changes_its_input => 1,
            Some(_) => 0,
        };
        for _ in 0..kills().div_ceil(3) {
            clear(outputs);
            writing.prepare(outputs);
            let start = |args: &[String]| {
                let mut command = command(&parts(args), inputs);
                command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
            };
            let codes = [one, two].map(|args| start(args)).map(|mut child| child.wait().unwrap().code());
            let is_expected =
                codes.contains(&Some(0)) && codes.iter().all(|code| [Some(0), Some(refused)].contains(code));
            assert!(is_expected, "{one:?} and {two:?}: {codes:?}");
            let found = fs::read(&writing.file).unwrap();
            assert!(files.contains(&found), "{one:?} and {two:?}: {} bytes", found.len());
            assert_eq!(names(outputs), ["out"]);
        }
        clear(outputs);
    }
}

/// Runs commands one after the other, and returns the file that they leave.
fn whole(writing: &Writing, order: &[&Vec<String>], inputs: &Path, outputs: &Path) -> Vec<u8> {
    clear(outputs);
    writing.prepare(outputs);
    for args in order {
        let output = command(&parts(args), inputs).output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{args:?}: {}", said(&output));
    }
    fs::read(&writing.file).unwrap()
}

fn parts(args: &[String]) -> Vec<&str> {
    args.iter().map(String::as_str).collect()
}

fn clear(folder: &Path) {
    for name in names(folder) {
        fs::remove_file(folder.join(name)).unwrap();
    }
}
