//! The commands that manage a running emulator.

#![cfg(test)]

mod bounds;
mod killed;
mod listen;
mod running;

use running::{Running, at, cloudauth, document, emulator};
use serde_json::json;

#[test]
fn errors_of_the_emulator_are_in_the_language_of_the_command() {
    let emulator = emulator();
    let listener = Running::start(&mut cloudauth(&["listen"]));
    let id = document(&at(&emulator, &["trigger", "204", "--callback-url", listener.said("callback_url")]));
    let id = id["certify_id"].as_str().unwrap();
    let again = at(&emulator, &["trigger", "200", "--certify-id", id, "--lang", "zh"]);
    let shown = String::from_utf8_lossy(&again.stderr);
    assert!(
        shown.contains("模拟器报告错误：该认证已结束：每次认证只能提交一次\n下一步：请重新发起"),
        "{shown}"
    );
    assert!(again.stdout.starts_with(b"{\"error\":\"the session has already ended"), "{again:?}");
    for args in [&["trigger", "200", "--certify-id", id][..], &["sessions", "sha0"]] {
        let refused = at(&emulator, args);
        let shown = String::from_utf8_lossy(&refused.stderr);
        assert!(shown.contains("`cloudauth ") && !shown.contains("/_emu/"), "{args:?}: {shown}");
    }
    let unknown = at(&emulator, &["sessions", "sha0", "--lang", "zh"]);
    let shown = String::from_utf8_lossy(&unknown.stderr);
    assert!(shown.contains("没有这个 CertifyId\n下一步：运行 `cloudauth sessions` 查看认证列表"), "{shown}");
}

#[test]
fn triggers_every_outcome_and_listen_receives_its_callback() {
    let emulator = emulator();
    let mut listener = Running::start(&mut cloudauth(&["listen"]));
    let url = listener.said("callback_url").to_owned();
    let codes = ["200", "201", "202", "203", "204", "205", "206", "207", "209", "210", "220", "221", "222"];
    for code in codes {
        let done = document(&at(&emulator, &["trigger", code, "--callback-url", &url]));
        // After 201 to 203 the same person cannot start again; each person here is a new synthetic one.
        assert_eq!((&done["state"], &done["sub_code"]), (&json!("finished"), &json!(code)));
        assert_eq!(listener.next()["probe"], true);
        let heard = listener.next();
        assert_eq!((&heard["claimed_sub_code"], &heard["certify_id"]), (&json!(code), &done["certify_id"]));
    }
    for (kind, claims) in
        [("duplicate", "222"), ("forged", "200"), ("wrong-token", "222"), ("other-shape", "222")]
    {
        let added = document(&at(&emulator, &["trigger", kind]));
        assert_eq!(added["kind"], kind.replace('-', "_"));
        assert_eq!(listener.next()["claimed_sub_code"], claims, "{kind}");
    }
    document(&at(&emulator, &["trigger", "late"]));
    document(&at(&emulator, &["clock", "advance", "2m"]));
    assert_eq!(listener.next()["claimed_sub_code"], "222", "a minute late");

    for (outcome, state) in [("cancel", "given_up"), ("expire", "expired")] {
        let done = document(&at(&emulator, &["trigger", outcome, "--callback-url", &url]));
        assert_eq!(done["state"], state);
        assert_eq!(listener.next()["probe"], true, "{outcome} sends no callback");
    }
    let all = document(&at(&emulator, &["sessions"]));
    assert_eq!(all["sessions"].as_array().unwrap().len(), codes.len() + 2);
    assert_eq!(document(&at(&emulator, &["sessions", "--state", "open"]))["sessions"], json!([]));
    let id = all["sessions"][0]["certify_id"].as_str().unwrap();
    assert_eq!(document(&at(&emulator, &["sessions", id]))["state"], "expired");
}

#[test]
fn arguments_are_checked_before_any_request_and_refused_with_what_they_must_be() {
    for (args, said) in [
        (&["faults", "add", "stauts=503"][..], "unknown fault; the faults are `latency`"),
        (&["faults", "add", "status"], "needs a value"),
        (&["faults", "add", "truncated_at=-1"], "`truncated_at` must be a whole number of bytes, 0 or more"),
        (&["faults", "add", "status=five"], "`status` must be an HTTP status from 200 to 599"),
        (&["faults", "add", "reset", "--times", "x"], "must be a whole number, 0 or more"),
        (&["faults", "add", "reset", "--times", "0"], "`times` must be a whole number from 1 to 4294967295"),
        (&["faults", "add", "reset", "--probability", "x"], "must be a number"),
        (&["faults", "add", "reset", "--probability", "nan"], "must be a number from 0 to 1"),
        (&["faults", "add", "reset", "--probability", "2"], "must be a number from 0 to 1"),
        (&["trigger", "204", "--score", "101"], "must be a number from 0 to 100"),
        (&["trigger", "expire", "--score", "90"], "give it with a SubCode"),
        (&["trigger", "duplicate", "--score", "90"], "give it with a SubCode"),
        (&["sessions", "a", "--state", "open"], "cannot be used with"),
        (&["sign", "--action", "A", "--params", "-", "--proxy", "http://proxy.example"], "--proxy"),
        (&["sign", "--action", "A", "--params", "-", "--timestamp", "1700000000000"], "--timestamp"),
        (&["emulator", "--port", "70000"], "must be from 0 to 65535"),
        (&["emulator", "--host", "x"], "must be an IP address"),
        (&["sessions", "--state", "finishd"], "'finished'"),
        (&["trigger", "forgd"], "expected a SubCode"),
        (&["policy", "show", "onbording"], "'onboarding'"),
        (&["policy", "sql", "builtin:vendor", "--dialect", "duckbd"], "'duckdb'"),
        (
            &["policy", "sql", "builtin:vendor", "--dialect", "sqlite", "--text", "verify_scor"],
            "'verify_score'",
        ),
        (
            &["policy", "sql", "builtin:vendor", "--dialect", "sqlite", "--column", "verify_scor=s"],
            "verify_score",
        ),
    ] {
        let output = cloudauth(args).env("CLOUDAUTH_ENDPOINT", "http://127.0.0.1:9").output().unwrap();
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.code() == Some(2) && stderr.contains(said), "{args:?}: {stderr}");
    }
}

#[test]
fn endpoint_may_appear_anywhere_after_its_command() {
    let emulator = emulator();
    let endpoint = emulator.said("endpoint");
    for args in [
        &["faults", "add", "reset", "--endpoint", endpoint][..],
        &["faults", "--endpoint", endpoint, "add", "reset"],
        &["clock", "advance", "2m", "--endpoint", endpoint],
        &["clock", "--endpoint", endpoint, "advance", "2m"],
        &["clock", "--endpoint", endpoint],
    ] {
        // No server listens at the address of the variable.
        let output = cloudauth(args).env("CLOUDAUTH_ENDPOINT", "http://127.0.0.1:9").output().unwrap();
        assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
    }
}

#[test]
fn urls_and_ids_of_options_are_checked_and_not_quoted() {
    let person = "/nowhere/person.json";
    let init = |option: &'static str, url: &'static str| {
        let other = if option == "--return-url" { "--callback-url" } else { "--return-url" };
        let (scene, other_url) = ("1000000006", "https://shop.example/x");
        vec!["init", "--scene-id", scene, "--person", person, option, url, other, other_url]
    };
    let port = "the port must be a number from 1 to 65535";
    for (args, said) in [
        (vec!["clock", "--endpoint", "127.0.0.1:1"], "--endpoint: give the scheme too"),
        (vec!["clock", "--endpoint", "http://planted:0"], port),
        (vec!["listen", "--endpoint", "127.0.0.1:1"], "--endpoint: give the scheme too"),
        (vec!["listen", "--endpoint", "http://127.0.0.1:99999"], port),
        (vec!["listen", "--endpoint", "http://127.0.0.1:1/?planted=1"], "without a query and a fragment"),
        (vec!["clock", "--endpoint", "http://127.0.0.1:1/#planted"], "without a query and a fragment"),
        (vec!["listen", "--forward-to", "http://127.0.0.1:1/a#planted"], "--forward-to: remove the fragment"),
        (vec!["emulator", "--public-url", "http://a.example/#planted"], "without a query and a fragment"),
        (vec!["emulator", "--public-url", "http://ci:planted@a.example"], "remove the user name"),
        (vec!["listen", "--forward-to", "127.0.0.1:1/planted"], "--forward-to: give the scheme too"),
        (vec!["listen", "--forward-to", "http://planted:0/"], port),
        (vec!["listen", "--forward-to", "ftp://planted/"], "must be an absolute http or https URL"),
        (vec!["emulator", "--public-url", "http://planted:99999"], port),
        (vec!["emulator", "--public-url", "planted.example"], "--public-url: give the scheme too"),
        (
            vec!["trigger", "200", "--callback-url", "http://planted:0/", "--endpoint", "http://127.0.0.1:9"],
            port,
        ),
        (vec!["sessions", "planted/..", "--endpoint", "http://127.0.0.1:9"], "CertifyId: must be"),
        (
            vec!["trigger", "200", "--certify-id", "planted/..", "--endpoint", "http://127.0.0.1:9"],
            "CertifyId: must be",
        ),
        (init("--return-url", "https://planted:0/"), port),
        (init("--return-url", "https://pla nted.example/"), "the host must not contain white space"),
    ] {
        let output = cloudauth(&args).output().unwrap();
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.code() == Some(2) && stderr.contains(said), "{args:?}: {stderr}");
        assert!(!stderr.contains("planted"), "{args:?}: {stderr}");
    }
}

#[test]
fn clock_and_faults_are_shown_and_changed() {
    let emulator = emulator();
    let clock = |args: &[&str]| document(&at(&emulator, &[&["clock"], args].concat()));
    assert_eq!(clock(&[])["rate"], 1.0);
    assert_eq!(clock(&["freeze"])["rate"], 0.0);
    assert_eq!(clock(&["set", "2030-01-02T03:04:05Z"])["now"], "2030-01-02T03:04:05Z");
    assert_eq!(clock(&["advance", "1day 2h"])["now"], "2030-01-03T05:04:05Z");
    assert_eq!(clock(&["run"])["rate"], 1.0);
    let wrong = at(&emulator, &["clock", "set", "tomorrow"]);
    let said = String::from_utf8_lossy(&wrong.stderr);
    assert!(said.contains("write a time such as 2026-01-02T03:04:05Z") && !said.contains("`set`"), "{said}");
    assert_eq!(wrong.status.code(), Some(2));
    let long = at(&emulator, &["clock", "advance", "101years"]);
    let said = String::from_utf8_lossy(&long.stderr);
    assert!(long.status.code() == Some(2) && said.contains("at most a hundred years"), "{said}");

    let faults = |args: &[&str]| document(&at(&emulator, &[&["faults"], args].concat()))["faults"].clone();
    assert_eq!(faults(&[]), json!([]));
    let added = faults(&["add", "status=503", "--action", "InitFaceVerify", "--times", "2"]);
    assert_eq!(added[0]["fault"], json!({ "status": 503 }));
    assert_eq!(faults(&["add", "latency=20", "--probability", "0.5"]).as_array().unwrap().len(), 2);
    assert_eq!(faults(&["clear"]), json!([]));
    assert_eq!(at(&emulator, &["faults", "add", "nonsense"]).status.code(), Some(2));
    assert_eq!(at(&emulator, &["faults", "add", "status=nine"]).status.code(), Some(2));
    for (args, field) in [
        (&["reset", "--action", "DescribeFaceVerfy"][..], "`action` must be"),
        (&["reset", "--probability", "2"], "must be a number from 0 to 1"),
        (&["reset", "--times", "0"], "`times` must be a whole number from 1"),
        (&["status=99"], "`status` must be an HTTP status from 200 to 599"),
    ] {
        let refused = at(&emulator, &[&["faults", "add"], args].concat());
        let said = String::from_utf8_lossy(&refused.stderr);
        assert!(refused.status.code() == Some(2) && said.contains(field), "{args:?}: {said}");
    }
    assert_eq!(faults(&[]), json!([]), "nothing was added");
}

#[test]
fn missing_arguments_are_named() {
    let nowhere = cloudauth(&["sessions"]).output().unwrap();
    assert_eq!(nowhere.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&nowhere.stderr).contains("no emulator given: start one"));
    let nobody = cloudauth(&["clock", "--endpoint", "http://127.0.0.1:9"]).output().unwrap();
    assert_eq!(nobody.status.code(), Some(6));
    let emulator = emulator();
    assert_eq!(at(&emulator, &["trigger", "204"]).status.code(), Some(2), "there is no verification yet");
    assert_eq!(at(&emulator, &["trigger", "nonsense"]).status.code(), Some(2));
}

#[test]
fn reads_state_and_rules_files_and_reports_their_errors() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).display().to_string();
    let (state, rules) = (path("state.db"), path("rules.json"));
    std::fs::write(&rules, r#"[{"order":"vip*","sub_code":"210"}]"#).unwrap();
    let start =
        || Running::start(&mut cloudauth(&["emulator", "--state", &state, "--rules", &rules, "--seed", "4"]));
    let emulator = start();
    let listener = Running::start(&mut cloudauth(&["listen"]));
    let done = document(&at(&emulator, &["trigger", "204", "--callback-url", listener.said("callback_url")]));
    drop(emulator);
    let again = Running::start(&mut cloudauth(&["emulator", "--state", &state, "--seed", "5"]));
    assert_eq!(again.first["seed"], 4, "that of the file");
    let again = document(&at(&again, &["sessions"]));
    assert_eq!(again["sessions"][0]["certify_id"], done["certify_id"]);
    std::fs::write(&rules, r#"[{"order":"vip*"}]"#).unwrap();
    let wrong = cloudauth(&["emulator", "--rules", &rules]).output().unwrap();
    let said = String::from_utf8_lossy(&wrong.stderr);
    assert!(wrong.status.code() == Some(2), "{said}");
    assert!(said.contains("rules.json: invalid rule file: rule 1: needs"), "{said}");
    std::fs::write(&rules, "[\n{\"order\":}]").unwrap();
    let said = cloudauth(&["emulator", "--rules", &rules]).output().unwrap().stderr;
    let said = String::from_utf8_lossy(&said);
    assert!(said.contains("rules.json: invalid rule file: line 2, column 10: not valid JSON"), "{said}");
}

#[test]
fn a_state_file_that_cannot_be_used_is_an_invalid_input_and_a_busy_port_is_not() {
    let folder = tempfile::tempdir().unwrap();
    let text = folder.path().join("notes.txt");
    std::fs::write(&text, "notes").unwrap();
    for (path, en, zh) in [
        (folder.path().to_owned(), "it is a folder", "这是文件夹，不是文件"),
        (folder.path().join("no/state.db"), "its folder does not exist", "所在文件夹不存在"),
        (text, "it is not a state file and stays as it is", "不是状态文件，未作任何修改"),
    ] {
        let path = path.display().to_string();
        for (language, told) in [
            ("en", format!("cannot use the state file {path}: {en}")),
            ("zh", format!("无法使用状态文件 {path}：{zh}")),
        ] {
            let refused = cloudauth(&["emulator", "--state", &path, "--lang", language]).output().unwrap();
            let said = String::from_utf8_lossy(&refused.stderr);
            assert!(refused.status.code() == Some(2) && said.contains(&told), "{said}");
        }
    }
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    for command in ["emulator", "listen"] {
        assert_eq!(cloudauth(&[command, "--port", &port]).output().unwrap().status.code(), Some(1));
    }
}

#[test]
fn a_killed_emulator_frees_its_state_file() {
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().join("state.db").display().to_string();
    let with_state = || cloudauth(&["emulator", "--state", &state]);
    let mut emulator = Running::start(&mut with_state());
    let listener = Running::start(&mut cloudauth(&["listen"]));
    let done = document(&at(&emulator, &["trigger", "204", "--callback-url", listener.said("callback_url")]));
    let second = with_state().output().unwrap();
    let stderr = String::from_utf8_lossy(&second.stderr);
    let is_busy = second.status.code() == Some(1) && stderr.contains("another emulator uses the state file");
    assert!(is_busy, "{stderr}");
    // SIGKILL on Unix.
    emulator.kill();
    let next = Running::start(&mut with_state());
    let sessions = document(&at(&next, &["sessions"]));
    assert_eq!(sessions["sessions"][0]["certify_id"], done["certify_id"]);
}

#[test]
fn off_loopback_prints_and_requires_a_token() {
    let emulator = Running::start(&mut cloudauth(&["emulator", "--host", "0.0.0.0"]));
    let endpoint = emulator.said("endpoint").replace("0.0.0.0", "127.0.0.1");
    let with = |token: &str| {
        cloudauth(&["clock", "--endpoint", &endpoint])
            .env("CLOUDAUTH_EMULATOR_TOKEN", token)
            .output()
            .unwrap()
    };
    assert_eq!(with("wrong").status.code(), Some(4));
    assert_eq!(with(emulator.said("admin_token")).status.code(), Some(0));
}

#[test]
fn browser_demo_is_a_shop_that_decides() {
    let demo = Running::start(&mut cloudauth(&["demo", "--open"]));
    let shop = demo.said("shop");
    let browser: ureq::Agent = ureq::Agent::config_builder()
        .proxy(None)
        .max_redirects(0)
        .max_redirects_will_error(false)
        .http_status_as_error(false)
        .build()
        .into();
    let to = |answer: &http::Response<ureq::Body>| answer.headers()["location"].to_str().unwrap().to_owned();
    let start = browser.get(shop).call().unwrap().body_mut().read_to_string().unwrap();
    assert!(start.contains("/jsvm_all.js") && start.contains("action='/verify?lang=en'"), "{start}");
    let chinese = browser.get(shop).header("accept-language", "zh-CN,en;q=0.5").call().unwrap();
    let chinese = chinese.into_body().read_to_string().unwrap();
    assert!(chinese.contains("开始认证") && chinese.contains("action='/verify?lang=zh'"), "{chinese}");
    for (choice, lang, decision) in [("", "en", ">approve: "), ("205", "zh", ">拒绝：")] {
        let person =
            [("name", "张三"), ("number", "999999198505050019"), ("meta_info", r#"{"zimVer":"3.0.0"}"#)];
        let number = cloudauth_emulator::id_number("19850505", 1).unwrap();
        let person =
            person.map(|(name, value)| (name, if name == "number" { number.as_str() } else { value }));
        let sent = browser.post(format!("{shop}/verify?lang={lang}")).send_form(person).unwrap();
        assert_eq!(sent.status(), 303);
        let page = to(&browser.get(to(&sent)).call().unwrap());
        let page = format!("{}{page}", demo.said("endpoint"));
        let done = browser.post(format!("{page}/submit")).send_form([("sub_code", choice)]).unwrap();
        let back = browser.get(to(&done)).call().unwrap().body_mut().read_to_string().unwrap();
        let code = if lang == "zh" { "：1000。" } else { " 1000." };
        assert!(back.contains(decision) && back.contains(code), "{back}");
    }
    let unknown = browser.get(format!("{shop}/return/unknown?response=1")).call().unwrap();
    assert_eq!(unknown.status(), 404);
    let forged =
        browser.get(format!("{shop}/callback/x?certifyId=a&passed=200&callbackToken=b")).call().unwrap();
    assert_eq!(forged.status(), 200, "a forger learns nothing");
}
