//! An emulator with a state file that is killed while it is called.

use std::sync::Mutex;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::running::{Running, cloudauth};

/// A session that was started, and whether its submission was answered.
type Answered = (String, bool);

fn agent() -> ureq::Agent {
    let config = ureq::Agent::config_builder().proxy(None).http_status_as_error(false);
    config.timeout_global(Some(Duration::from_secs(30))).build().into()
}

/// Starts sessions and submits them, until the emulator is gone.
fn call(endpoint: &str, answered: &Mutex<Vec<Answered>>) {
    let agent = agent();
    let post = |path: &str| -> Option<Value> {
        let request =
            agent.post(format!("{endpoint}/_emu/v1{path}")).header("content-type", "application/json");
        let mut answer = request.send("{}").ok()?;
        assert!(answer.status().is_success(), "{path}: {}", answer.status());
        serde_json::from_str(&answer.body_mut().read_to_string().ok()?).ok()
    };
    while let Some(session) = post("/sessions") {
        let id = session["certify_id"].as_str().unwrap().to_owned();
        answered.lock().unwrap().push((id.clone(), false));
        if post(&format!("/sessions/{id}/submit")).is_none() {
            return;
        }
        let mut answered = answered.lock().unwrap();
        answered.iter_mut().rev().find(|(known, _)| *known == id).unwrap().1 = true;
    }
}

#[test]
fn an_emulator_that_is_killed_while_it_is_called_keeps_what_it_answered() {
    let kills = std::env::var("CLOUDAUTH_KILLS").map_or(4, |kills| kills.parse().unwrap());
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().join("state.db").display().to_string();
    let start = || Running::start(&mut cloudauth(&["emulator", "--state", &state]));
    let answered = Mutex::new(Vec::new());
    for kill in 0..kills {
        let mut emulator = start();
        let endpoint = emulator.said("endpoint").to_owned();
        let before = answered.lock().unwrap().len();
        thread::scope(|scope| {
            for _ in 0..3 {
                scope.spawn(|| call(&endpoint, &answered));
            }
            let begun = Instant::now();
            while answered.lock().unwrap().len() < before + 10 && begun.elapsed().as_secs() < 60 {
                thread::sleep(Duration::from_millis(1));
            }
            thread::sleep(Duration::from_millis(kill * 53 % 20));
            emulator.kill();
        });
        assert!(answered.lock().unwrap().len() >= before + 10, "too few calls were answered");
        has_all(&start(), &answered.lock().unwrap());
    }
}

/// A session whose submission was not answered may be submitted or not.
fn has_all(emulator: &Running, answered: &[Answered]) {
    let agent = agent();
    for (id, is_submitted) in answered {
        let url = format!("{}/_emu/v1/sessions/{id}", emulator.said("endpoint"));
        let mut answer = agent.get(url).call().unwrap();
        let text = answer.body_mut().read_to_string().unwrap();
        assert_eq!(answer.status(), 200, "{id}: {text}");
        let session: Value = serde_json::from_str(&text).unwrap();
        assert!(!is_submitted || session["state"] == json!("finished"), "{session}");
    }
}
