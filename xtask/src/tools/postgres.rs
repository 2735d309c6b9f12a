//! A PostgreSQL server for the duration of a task: found or installed, in a temporary folder, on a socket instead of a port.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

use crate::shell::run;

/// The user id of the unprivileged account on every Linux: PostgreSQL does not run as root.
#[cfg(unix)]
const NOBODY: u32 = 65534;

/// A running server.
pub(crate) struct Postgres {
    programs: PathBuf,
    folder: PathBuf,
    #[cfg_attr(not(unix), expect(dead_code, reason = "no server is started there"))]
    as_nobody: bool,
}

impl Postgres {
    /// Starts an empty server.
    pub(crate) fn start() -> Result<Self> {
        let programs = programs()?;
        // Not below `target`: another user must reach it, and the path of a socket has 107 bytes.
        let folder = std::env::temp_dir().join(format!("cloudauth-postgres-{}", std::process::id()));
        fs::create_dir(&folder).context("cannot make a folder for PostgreSQL")?;
        let as_nobody = is_root()?;
        let server = Self { programs, folder, as_nobody };
        server.give_folder()?;
        let data = server.folder.join("data").display().to_string();
        let init = ["-D", &data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync"];
        run(server.program("initdb").args(init).stdout(Stdio::null()))?;
        let socket = format!(
            "-k {} -c listen_addresses= -c fsync=off -c max_connections=200",
            server.folder.display()
        );
        let log = server.folder.join("log").display().to_string();
        let start = ["start", "-D", &data, "-w", "-s", "-l", &log, "-o", &socket];
        if let Err(error) = run(server.program("pg_ctl").args(start).stdout(Stdio::null())) {
            bail!("PostgreSQL does not start: {error}\n{}", fs::read_to_string(&log).unwrap_or_default());
        }
        Ok(server)
    }

    /// Stops the server without warning, as in a crash, and starts it again.
    pub(crate) fn restart(&self) -> Result<()> {
        let (data, log) = (self.folder.join("data"), self.folder.join("log"));
        let mut restart = self.program("pg_ctl");
        restart.args(["restart", "-w", "-s", "-m", "immediate", "-D"]).arg(data).arg("-l").arg(log);
        run(restart.stdout(Stdio::null()))
    }

    /// The connection string for clients.
    pub(crate) fn address(&self) -> String {
        format!("host={} user=postgres dbname=postgres", self.folder.display())
    }

    /// Makes the folder private to the account that runs the server.
    #[cfg(unix)]
    fn give_folder(&self) -> Result<()> {
        use std::os::unix::fs::{PermissionsExt, chown};
        fs::set_permissions(&self.folder, fs::Permissions::from_mode(0o700))?;
        if self.as_nobody {
            chown(&self.folder, Some(NOBODY), Some(NOBODY))?;
        }
        Ok(())
    }

    #[cfg(not(unix))]
    fn give_folder(&self) -> Result<()> {
        bail!("PostgreSQL is started on Unix only")
    }

    fn program(&self, name: &str) -> Command {
        let mut command = Command::new(self.programs.join(name));
        command.current_dir(&self.folder).stdin(Stdio::null());
        #[cfg(unix)]
        if self.as_nobody {
            use std::os::unix::process::CommandExt;
            command.uid(NOBODY).gid(NOBODY);
        }
        command
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        let data = self.folder.join("data");
        let _ = self.program("pg_ctl").args(["stop", "-s", "-m", "immediate", "-D"]).arg(data).status();
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// The folder of `initdb` and `pg_ctl`: `POSTGRES_BIN`, or Debian's newest version, installed if missing.
fn programs() -> Result<PathBuf> {
    if let Some(given) = std::env::var_os("POSTGRES_BIN") {
        return Ok(given.into());
    }
    if let Some(found) = found() {
        return Ok(found);
    }
    println!("postgres: not found; installing Debian's");
    for args in [vec!["update", "-qq"], vec!["install", "-qq", "-y", "--no-install-recommends", "postgresql"]]
    {
        let mut apt = Command::new("apt-get");
        if run(apt.args(args).env("DEBIAN_FRONTEND", "noninteractive").stdin(Stdio::null())).is_err() {
            bail!(
                "this task needs PostgreSQL: install it, or set POSTGRES_BIN to the folder of initdb; apt-get cannot install it (is this root on Debian?)"
            );
        }
    }
    found().context("PostgreSQL was installed but not found")
}

fn found() -> Option<PathBuf> {
    let folders = std::env::var_os("PATH").unwrap_or_default();
    let on_path = std::env::split_paths(&folders).find(|folder| folder.join("initdb").is_file());
    let debian = fs::read_dir("/usr/lib/postgresql").ok().into_iter().flatten().flatten();
    let debian = debian.map(|version| version.path().join("bin")).filter(|bin| bin.join("initdb").is_file());
    let version = |bin: &PathBuf| bin.parent().and_then(Path::file_name)?.to_str()?.parse::<u32>().ok();
    // A name on the path may be a link to a program that looks for its neighbours.
    debian.max_by_key(version).or(on_path)
}

fn is_root() -> Result<bool> {
    let output = Command::new("id").arg("-u").output().context("cannot run `id`")?;
    Ok(output.stdout.trim_ascii() == b"0")
}
