//! The output and the exit codes of the command, and the data that it never shows.

#![cfg(test)]

mod support;

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

use cloudauth_tests::without_environment;
use serde_json::Value;
use support::{json, text};

/// A call with an empty environment.
fn cloudauth(args: &[&str]) -> Command {
    let mut command = without_environment(env!("CARGO_BIN_EXE_cloudauth"));
    command
        .args(args)
        .env("HOME", std::env::temp_dir().join("cloudauth-no-home"))
        .env("ALIBABA_CLOUD_ECS_METADATA_DISABLED", "true")
        .stdin(Stdio::null());
    command
}

fn run(args: &[&str]) -> Output {
    cloudauth(args).output().unwrap()
}

fn with_key(args: &[&str], endpoint: &str, secret: &str) -> Command {
    let mut command = cloudauth(args);
    command
        .env("CLOUDAUTH_ENDPOINT", endpoint)
        .env("ALIBABA_CLOUD_ACCESS_KEY_ID", "EMUtestid")
        .env("ALIBABA_CLOUD_ACCESS_KEY_SECRET", secret)
        .env("RUST_LOG", "trace");
    command
}

#[test]
fn demo_exits_with_the_code_of_its_identity() {
    for (identity, exit, outcome) in [
        ("999999199001012003", 0, "Passed"),
        ("99999919900101210X", 0, "Passed"),
        ("999999199001012046", 3, "NotPassed"),
        ("999999199201014249", 5, "Pending"),
    ] {
        for signing in ["v1", "v3", "v3-body"] {
            let output = run(&["demo", "--identity", identity, "--signing", signing, "--output", "json"]);
            assert_eq!(output.status.code(), Some(exit), "{identity} {signing}: {}", text(&output));
            let document = json(&output);
            assert_eq!(document["result"]["outcome"], outcome);
            assert_eq!(document["callback"]["token_verified"], true);
        }
    }
}

#[test]
fn the_demo_prints_every_step() {
    let output = run(&["demo"]);
    let shown = text(&output);
    for step in ["emulator ", "init ", "submit ", "callback ", "describe   passed (code 200)"] {
        assert!(shown.contains(step), "{step}: {shown}");
    }
}

#[test]
fn a_refused_call_shows_the_next_step() {
    let output = run(&["demo", "--identity", "99999919910101417X"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(
        text(&output).contains("next: if the data is correct, review manually; do not retry"),
        "{}",
        text(&output)
    );
}

#[test]
fn a_wrong_identity_is_a_usage_error_that_does_not_quote_it() {
    let output = run(&["demo", "--identity", "999999199001012004"]);
    assert_eq!(output.status.code(), Some(2));
    assert_eq!(text(&output), "cloudauth: CertNo: has a wrong check character (GB 11643)\n");
}

#[test]
fn missing_credentials_exit_with_4_and_list_the_variables() {
    let output = run(&["describe", "--scene-id", "1", "--certify-id", "sha1"]);
    assert_eq!(output.status.code(), Some(4));
    assert!(text(&output).contains("set ALIBABA_CLOUD_ACCESS_KEY_ID and ALIBABA_CLOUD_ACCESS_KEY_SECRET"));
}

#[test]
fn an_unreachable_endpoint_exits_with_6() {
    let args = ["describe", "--scene-id", "1", "--certify-id", "sha1"];
    let output = with_key(&args, "http://127.0.0.1:1", "s").output().unwrap();
    assert_eq!(output.status.code(), Some(6), "{}", text(&output));
    let mut for_programs = with_key(&args, "http://127.0.0.1:1", "s");
    let document = json(&for_programs.args(["--output", "json"]).output().unwrap());
    assert_eq!(document["exit_code"], 6);
    assert!(document["error"].as_str().unwrap().starts_with("DescribeFaceVerify at 127.0.0.1"), "{document}");
    let output = with_key(&args, "http://cloudauth.aliyuncs.com", "s").output().unwrap();
    assert_eq!(output.status.code(), Some(2), "plain http to another host is refused: {}", text(&output));
    let output = with_key(&args, "https://user:planted-secret@x.example", "s").output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert_clean(&output);
    let help =
        with_key(&["describe", "--help"], "https://user:planted-secret@x.example", "s").output().unwrap();
    assert_clean(&help);
    let real = run(&["demo", "--identity", "11010519491231002X"]);
    assert_eq!((real.status.code(), text(&real).contains("area 999999")), (Some(2), true));
}

#[test]
fn codes_of_every_layer_are_explained_in_both_languages() {
    let output = run(&["codes", "417"]);
    assert!(text(&output).contains("review manually"), "{}", text(&output));
    let output = run(&["codes", "417", "--lang", "zh"]);
    assert!(text(&output).contains("转人工复核"), "{}", text(&output));
    let mut chinese = cloudauth(&["codes", "204"]);
    assert!(text(&chinese.env("LANG", "zh_CN.UTF-8").output().unwrap()).contains("人脸比对不一致"));
    let output = run(&["codes", "missingsceneid", "--output", "json"]);
    assert_eq!(output.status.code(), Some(2), "families go by the vendor's spelling");
    let output = run(&["codes", "MissingSceneId", "--output", "json"]);
    assert_eq!(json(&output)[0]["code"], "MissingParameter");
    let all = json(&run(&["codes", "--output", "json"]));
    assert!(all.as_array().unwrap().len() >= 24 + 13 + 34);
    assert_eq!(run(&["codes", "nonsense"]).status.code(), Some(2));
}

fn file(name: &str, content: &str) -> (tempfile::TempDir, String) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    std::fs::write(&path, content).unwrap();
    let path = path.display().to_string();
    (folder, path)
}

#[test]
fn an_explained_signature_is_masked_unless_asked() {
    let (_folder, params) =
        file("params.json", r#"{"CertifyId":"91707dc296d469ad38e4c5efa6a0f24b","SceneId":1000000006}"#);
    let base = [
        "sign",
        "--action",
        "DescribeFaceVerify",
        "--params",
        &params,
        "--timestamp",
        "1767323045",
        "--nonce",
    ];
    let sign = |more: &[&str]| {
        let args = [&base[..], &["00112233445566778899aabbccddeeff"], more].concat();
        let mut command = cloudauth(&args);
        command
            .env("ALIBABA_CLOUD_ACCESS_KEY_ID", "testid")
            .env("ALIBABA_CLOUD_ACCESS_KEY_SECRET", "testsecret");
        command.output().unwrap()
    };
    // The vendor's vector `describe-POST`.
    let plain = sign(&[]);
    assert_eq!(plain.status.code(), Some(0), "{}", text(&plain));
    let masked = text(&sign(&["--explain"]));
    assert!(masked.contains("CertifyId=%5BCertifyId%5D") && !masked.contains("91707dc"), "{masked}");
    let revealed = text(&sign(&["--explain", "--reveal"]));
    assert!(
        revealed
            .contains("POST&%2F&AccessKeyId%3Dtestid%26Action%3DDescribeFaceVerify%26CertifyId%3D91707dc2")
    );
    assert!(revealed.contains(String::from_utf8_lossy(&plain.stdout).trim()));
    assert_eq!(sign(&["--reveal"]).status.code(), Some(2), "--reveal goes with --explain");
    assert!(!revealed.contains("testsecret"));
}

#[test]
fn an_explained_signature_masks_names_that_may_be_values() {
    let (_folder, params) =
        file("params.json", r#"{"999999199001012003":"CertNo","张三":"CertName","Tag.1.Key":"13999999999"}"#);
    for signing in ["v1", "v3"] {
        let mut command =
            cloudauth(&["sign", "--action", "Own", "--params", &params, "--explain", "--signing", signing]);
        command
            .env("ALIBABA_CLOUD_ACCESS_KEY_ID", "testid")
            .env("ALIBABA_CLOUD_ACCESS_KEY_SECRET", "testsecret");
        let told = text(&command.output().unwrap());
        assert!(told.contains("Tag.1.Key=%5BTag.1.Key%5D") && told.contains("name%201%5D="), "{told}");
        assert!(told.contains("name%202%5D=%5B"), "{told}");
        assert!(!told.contains("9999") && !told.contains("E5%BC%A0"), "{told}");
    }
}

#[test]
fn no_flag_takes_a_secret_or_personal_data() {
    for command in ["demo", "init", "describe", "sign", "emulator"] {
        let help = text(&run(&[command, "--help"])).to_lowercase();
        for flag in ["--secret", "--access-key", "--token", "--cert-name", "--cert-no", "--mobile", "--name"]
        {
            assert!(!help.contains(flag), "{command} takes {flag}");
        }
    }
}

/// `cloudauth emulator` on a free port; it ends with the test.
struct Emulator {
    child: Child,
    endpoint: String,
}

impl Emulator {
    fn start() -> Self {
        let mut child = cloudauth(&["emulator", "--output", "json"]).stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let started: Value = serde_json::from_str(&line).unwrap();
        Self { child, endpoint: started["endpoint"].as_str().unwrap().to_owned() }
    }
}

impl Drop for Emulator {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

const PERSON: &str = r#"{"CertName":"欧阳张三丰","CertNo":"999999199001012003","MetaInfo":{"zimVer":"planted-meta"},"Mobile":"13999999999","Ip":"192.0.2.77","UserId":"planted-user"}"#;
const PLANTED: [&str; 7] = [
    "欧阳张三丰",
    "999999199001012003",
    "planted-meta",
    "13999999999",
    "192.0.2.77",
    "planted-user",
    "planted-secret",
];

fn assert_clean(output: &Output) {
    let shown = text(output);
    for planted in PLANTED {
        assert!(!shown.contains(planted), "shows {planted}: {shown}");
    }
}

fn init<'a>(person: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    let base = [
        "init",
        "--output",
        "json",
        "--scene-id",
        "1",
        "--return-url",
        "https://shop.example",
        "--person",
        person,
    ];
    [&base[..], more].concat()
}

#[test]
fn describe_takes_the_certify_id_of_init() {
    let emulator = Emulator::start();
    let (_folder, person) = file("person.json", PERSON);
    let output = with_key(&init(&person, &[]), &emulator.endpoint, "EMUtestsecret").output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", text(&output));
    assert_clean(&output);
    let started = json(&output);
    assert!(started["certify_url"].as_str().unwrap().starts_with("http://127.0.0.1:"));
    let describe = ["describe", "--scene-id", "1", "--certify-id", started["certify_id"].as_str().unwrap()];
    let output = with_key(&describe, &emulator.endpoint, "EMUtestsecret").output().unwrap();
    assert_eq!(output.status.code(), Some(5), "{}", text(&output));

    // The person can also come from standard input.
    let mut child = with_key(&init("-", &[]), &emulator.endpoint, "EMUtestsecret");
    let mut child =
        child.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(PERSON.as_bytes()).unwrap();
    assert_eq!(child.wait_with_output().unwrap().status.code(), Some(0));
}

#[test]
fn init_takes_iframe_for_the_return_url() {
    let emulator = Emulator::start();
    let (_folder, person) = file("person.json", PERSON);
    let framed: Vec<&str> = init(&person, &[])
        .into_iter()
        .map(|arg| if arg == "https://shop.example" { "iframe" } else { arg })
        .collect();
    let output = with_key(&framed, &emulator.endpoint, "EMUtestsecret").output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", text(&output));
    assert!(json(&output)["certify_url"].as_str().unwrap().starts_with("http://127.0.0.1:"));
}

#[test]
fn an_emulator_url_without_a_scheme_is_a_usage_error() {
    let args = ["describe", "--scene-id", "1", "--certify-id", "sha1"];
    let output = with_key(&args, "127.0.0.1:1", "s").output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output).contains("a loopback host needs its scheme: http://"), "{}", text(&output));
}

#[test]
fn a_byte_order_mark_is_accepted_in_every_text_file() {
    let emulator = Emulator::start();
    let marked = |name: &str, text: &str| file(name, &format!("\u{feff}{text}"));
    let (_folder, person) = marked("person.json", PERSON);
    let (_folder, params) = marked("params.json", r#"{"Name":"value"}"#);
    let (_folder, evidence) = marked("evidence.json", r#"{"sub_code":"201"}"#);
    let (_folder, policy) = marked("policy.toml", include_str!("../../policy/policies/onboarding.toml"));
    for (args, exit) in [
        (init(&person, &[]), 0),
        (vec!["sign", "--action", "DescribeFaceVerify", "--params", &params], 0),
        (vec!["policy", "check", &policy], 0),
        (vec!["policy", "decide", &policy, "--evidence", &evidence], 3),
    ] {
        let output = with_key(&args, &emulator.endpoint, "EMUtestsecret").output().unwrap();
        assert_eq!(output.status.code(), Some(exit), "{args:?}: {}", text(&output));
    }
    let (_folder, rules) = marked("rules.json", r#"[{"order":"vip*"}]"#);
    let output = run(&["emulator", "--rules", &rules]);
    assert!(text(&output).contains("rule 1"), "the rules were read: {}", text(&output));
}

#[test]
fn a_file_that_is_too_large_or_not_text_is_named() {
    let of_length = |length: usize| [br#"{"sub_code":"201"}"#, &vec![b' '; length - 18][..]].concat();
    for (bytes, exit, expected) in [
        (of_length(16 << 20), 3, "name-id-mismatch"),
        (of_length((16 << 20) + 1), 2, "evidence.json: it is larger than 16 MiB"),
        (vec![0xff, 0xfe, 0x7b], 2, "evidence.json: it is not UTF-8 text"),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("evidence.json");
        std::fs::write(&file, bytes).unwrap();
        let output = run(&["policy", "decide", "builtin:onboarding", "--evidence", file.to_str().unwrap()]);
        assert_eq!(output.status.code(), Some(exit), "{}", text(&output));
        assert!(text(&output).contains(expected), "{}", text(&output));
    }
}

#[test]
fn failed_calls_show_no_personal_data() {
    let emulator = Emulator::start();
    let (_folder, person) = file("person.json", PERSON);
    for signing in ["v1", "v3", "v3-body"] {
        for (endpoint, exit) in [(emulator.endpoint.as_str(), 4), ("http://127.0.0.1:1", 6)] {
            let args = init(&person, &["--signing", signing]);
            let output = with_key(&args, endpoint, "planted-secret").output().unwrap();
            assert_eq!(output.status.code(), Some(exit), "{}", text(&output));
            assert_clean(&output);
        }
    }
    for broken in [
        PERSON.replace("999999199001012003", "999999199001012004"),
        PERSON.replace("\"CertNo\"", "\"欧阳张三丰\""),
        PERSON.replace("192.0.2.77", "planted-user"),
        PERSON.replace("13999999999", "139999999999"),
        PERSON.replace("\"Mobile\"", "\"CertNo\":\"999999199001012046\",\"Mobile\""),
        PERSON.replace("\"欧阳张三丰\"", "null"),
        PERSON.get(..PERSON.len() - 1).unwrap().to_owned(),
    ] {
        let (_folder, person) = file("person.json", &broken);
        let output = with_key(&init(&person, &[]), &emulator.endpoint, "EMUtestsecret").output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{}", text(&output));
        assert_clean(&output);
    }
    let output = with_key(&init(PERSON, &[]), &emulator.endpoint, "s").output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output).contains("looks like JSON"), "{}", text(&output));
    assert_clean(&output);
    let output = with_key(&init("/nowhere.json", &[]), &emulator.endpoint, "s").output().unwrap();
    assert!(
        !Path::new("/nowhere.json").exists()
            && text(&output).contains("cloudauth: cannot read /nowhere.json")
    );
}

#[test]
fn a_proxy_is_checked_and_its_password_never_shown() {
    let describe = ["describe", "--scene-id", "1000000006", "--certify-id", "sha1"];
    let with = |proxy: &'static str| [&describe[..], &["--proxy", proxy]].concat();
    for (proxy, says) in [
        ("http://planted-user:planted-secret@127.0.0.1:3128", "--proxy takes no user and password"),
        ("socks5://planted-secret@127.0.0.1:1", "only http:// proxies are supported"),
    ] {
        let output = with_key(&with(proxy), "http://127.0.0.1:1", "planted-secret").output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{}", text(&output));
        assert!(text(&output).contains(says), "{}", text(&output));
        assert_clean(&output);
    }
    // An emulator on this machine is reached without the proxy; here nothing listens on either port.
    let output = with_key(&with("127.0.0.1:2"), "http://127.0.0.1:1", "planted-secret").output().unwrap();
    assert_eq!(output.status.code(), Some(6), "{}", text(&output));
    let mut command = with_key(&describe, "http://127.0.0.1:1", "planted-secret");
    command.env("HTTPS_PROXY", "socks5://planted-secret@x").env("CLOUDAUTH_USE_ENV_PROXY", "1");
    let output = command.output().unwrap();
    assert_eq!(output.status.code(), Some(2), "{}", text(&output));
    assert_clean(&output);
    // Without the switch the environment's proxy is ignored.
    let output = command.env_remove("CLOUDAUTH_USE_ENV_PROXY").output().unwrap();
    assert_eq!(output.status.code(), Some(6), "{}", text(&output));
}

#[test]
fn chinese_output_has_no_english_sentence() {
    let folder = tempfile::tempdir().unwrap();
    let evidence = folder.path().join("evidence.json");
    std::fs::write(&evidence, r#"{"sub_code":"299"}"#).unwrap();
    let evidence = evidence.to_str().unwrap();
    let emulator = Emulator::start();
    for args in [
        &["demo"][..],
        &["demo", "--identity", "110"],
        &["codes", "none"],
        &["describe", "--scene-id", "1", "--certify-id", "sha1"],
        &["policy", "check", "builtin:vendor"],
        &["policy", "check", "builtin:none"],
        &["policy", "decide", "builtin:vendor", "--evidence", evidence],
        &["policy", "fmt", "-"],
        &["sessions"],
        &["trigger", "200"],
        &["clock"],
        &["faults"],
        &["faults", "--endpoint", "127.0.0.1"],
        &["faults", "--endpoint", "http://127.0.0.1:1"],
    ] {
        let mut command = cloudauth(&[args, &["--lang", "zh"]].concat());
        let shown = text(&command.env("CLOUDAUTH_ENDPOINT", &emulator.endpoint).output().unwrap());
        assert!(shown.chars().any(|char| char >= '\u{4e00}'), "{args:?}: {shown}");
        for english in [" the ", " is ", " are ", "next:", "rules", "policy:"] {
            // The reason of a rule is in the policy file, and the detail of an error is in English.
            let own = shown.lines().filter(|line| !line.contains("依据规则") && !line.contains("有误："));
            assert!(own.clone().all(|line| !line.contains(english)), "{args:?}: `{english}` in {shown}");
        }
    }
}

#[test]
fn documents_hold_errors_in_english() {
    let output = run(&["codes", "none", "--lang", "zh", "--output", "json"]);
    assert_eq!(json(&output)["error"], "unknown code; `cloudauth codes` lists all of them");
    assert!(String::from_utf8_lossy(&output.stderr).contains("没有这个返回码"), "{}", text(&output));
}

/// A person's name or number may be typed where something else belongs.
#[test]
fn a_refused_argument_is_named_and_never_shown() {
    for (typed, lang) in [("欧阳张三丰", "en"), ("999999199001012003", "zh")] {
        for args in [
            &[typed][..],
            &["init", typed],
            &["init", "--scene-id", &format!("{typed}x"), "--return-url", "x", "--person", "p.json"],
            &["init", "--scene-id", "1000000006", "--return-url", "https://a.example", "--person", typed],
            &["describe", "--scene-id", "1", "--certify-id", &format!("{typed}.")],
            &["codes", typed],
            &["demo", "--identity", &format!("{typed}1")],
            &["policy", typed],
            &["policy", "check", typed],
            &["policy", "show", typed],
            &["policy", "decide", &format!("builtin:{typed}")],
            &["policy", "sql", "builtin:vendor", "--dialect", typed],
            &["policy", "sql", "builtin:vendor", "--dialect", "sqlite", "--column", &format!("{typed}=x")],
            &["lab", "replay", "builtin:vendor", typed],
            &["lab", "replay", typed, "x.csv"],
            &["lab", "replay", "builtin:vendor", "x.csv", "--mapping", typed],
            &["lab", "drift", "builtin:vendor", "x.csv", "--reference", typed],
            &["lab", "calibrate", "builtin:vendor", "x.csv", "--target", &format!("{typed}%")],
            &["emulator", "--host", typed],
            &["emulator", "--port", typed],
            &["faults", "add", "reset", "--times", typed],
            &["emulator", "--rules", typed],
            &["sessions", "--state", typed],
            &["clock", typed],
            &["clock", "advance", &format!("1{typed}")],
            &["faults", "add", typed],
            &["faults", "add", &format!("{typed}=1")],
            &["faults", "add", &format!("status=\"{typed}\"")],
            &["trigger", "200", "--score", &format!("{typed}x")],
            &["trigger", &format!("{typed}x")],
            &["listen", "--forward-to", typed],
            &["sign", "--action", "x", "--params", typed],
            &["policy", &format!("--{typed}")],
        ] {
            let output = run(&[args, &["--lang", lang]].concat());
            assert!(!output.status.success(), "{args:?}");
            assert!(!text(&output).contains(typed), "{args:?}: {}", text(&output));
        }
    }
    // A path and an option are not personal, and the closest command is suggested first.
    for (args, says) in [
        (&["policy", "check", "nowhere.toml"][..], "cannot read nowhere.toml"),
        (&["init", "--sceneid", "1"], "'--sceneid'"),
        (&["policy", "chek", "x"], "'check'"),
    ] {
        let output = run(args);
        assert!(text(&output).contains(says), "{args:?}: {}", text(&output));
    }
    assert!(!text(&run(&["policy", "chek"])).contains("'schema', 'check'"));
}
