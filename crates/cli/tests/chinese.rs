//! `--lang zh`: what the command prints for people is in Chinese.

#![cfg(test)]

#[path = "support/failures.rs"]
mod failures;
#[path = "support/sentences.rs"]
mod sentences;
mod support;

use std::process::{Command, Output, Stdio};

use cloudauth_tests::without_environment;
use support::{said, text};

/// A call with an empty environment.
fn cloudauth(args: &[&str]) -> Command {
    let mut command = without_environment(env!("CARGO_BIN_EXE_cloudauth"));
    command.args(args).env("HOME", std::env::temp_dir().join("cloudauth-no-home"));
    command.env("ALIBABA_CLOUD_ECS_METADATA_DISABLED", "true").stdin(Stdio::null());
    command
}

fn zh(args: &[&str]) -> Output {
    cloudauth(&[&["--lang", "zh"], args].concat()).output().unwrap()
}

fn is_chinese(text: &str) -> bool {
    text.chars().any(|char| char >= '\u{4e00}')
}

/// The English words of a sentence; none of them is a name, a value or an option.
const ENGLISH: [&str; 10] =
    [" the ", " is ", " are ", " was ", " not ", " must ", " has ", " for ", " with ", "cannot "];

#[track_caller]
fn assert_no_english(shown: &str) {
    assert!(is_chinese(shown), "{shown}");
    for word in ENGLISH {
        assert!(!shown.contains(word), "`{word}` in {shown}");
    }
}

#[test]
fn the_help_is_in_the_language_of_the_option_or_of_the_system() {
    for args in
        [&["--help"][..], &["-h"], &["demo", "--help"], &["policy", "sql", "-h"], &["help", "clock", "set"]]
    {
        let asked = zh(args);
        assert_eq!(asked.status.code(), Some(0), "{args:?}");
        assert_no_english(&text(&asked));
        assert!(text(&asked).contains("用法：cloudauth"), "{}", text(&asked));
        let system = cloudauth(args).env("LANG", "zh_CN.UTF-8").output().unwrap();
        assert_eq!(system.stdout, asked.stdout, "{args:?}");
        let english = cloudauth(args).env("LANG", "en_US.UTF-8").output().unwrap();
        assert!(!is_chinese(&text(&english)), "{args:?}");
    }
    let help = text(&cloudauth(&["demo", "--lang=zh", "--help"]).output().unwrap());
    for told in ["选项：", "--signing <SIGNING>", "- v1：HMAC-SHA1", "[默认值：v1]"] {
        assert!(help.contains(told), "{told}: {help}");
    }
}

#[test]
fn a_missing_command_shows_the_help() {
    let output = cloudauth(&[]).env("LANG", "zh_CN.UTF-8").output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(said(&output).contains("使用阿里云金融级实人认证"), "{}", text(&output));
    assert!(said(&zh(&[])).contains("cloudauth 需要子命令；可选：demo、init"));
}

#[test]
fn each_kind_of_invalid_argument_is_explained_in_chinese() {
    for (args, told) in [
        (&["demo", "--nothing"][..], "不支持的参数 '--nothing'"),
        (&["dem"], "没有命令 '（不显示）'"),
        (&["demo", "--signing", "v9"], "--signing <SIGNING> 的值 '（不显示）' 无效；可选：v1、v3、v3-body"),
        (&["demo", "--signing"], "--signing <SIGNING> 缺少值；可选：v1、v3、v3-body"),
        (&["init"], "缺少必需的参数：--scene-id <SCENE_ID>、--return-url <RETURN_URL>、--person <FILE>"),
        (
            &["describe", "--scene-id", "x", "--certify-id", "y"],
            "--scene-id <SCENE_ID> 的值 '（不显示）' 无效：须为非负整数",
        ),
        (&["emulator", "--port", "70000"], "--port <PORT> 的值 '（不显示）' 无效：须在 0 至 65535 之间"),
        (&["emulator", "--host", "x"], "须为 IP 地址，例如 127.0.0.1"),
        (&["trigger", "204", "--score", "101"], "须为 0 至 100 之间的数字"),
        (&["demo", "--open", "--identity", "1"], "不能与"),
        (&["codes", "1", "2"], "不支持的参数 '（不显示）'"),
        (&["demo", "--policy", "a", "--policy", "b"], "--policy <FILE> 只能给出一次"),
        (&["trigger", "finish"], "须为 SubCode（200、204 等）"),
        (&["faults", "add", "status=five"], "`status` 须为 200 至 599 的 HTTP 状态码"),
        (&["faults", "add", "status"], "需要值的故障请写作 `status=503`"),
        (&["policy", "sql", "p", "--dialect", "duckdb", "--column", "a"], "请写作 INPUT=COLUMN"),
        (&["policy", "sql", "p", "--dialect", "duckdb", "--column", "a=b"], "未知的输入项：可用的有"),
        (&["demo", "--lang", "de"], "--lang <LANG> 的值 '（不显示）' 无效；可选：en、zh"),
    ] {
        let output = cloudauth(args).env("LC_ALL", "zh_CN.UTF-8").output().unwrap();
        let shown = said(&output);
        assert_eq!(output.status.code(), Some(2), "{args:?}: {shown}");
        assert!(shown.contains(told), "{args:?}: {shown}");
        assert!(output.stdout.is_empty() && shown.contains("--help"), "{args:?}: {shown}");
        assert!(!shown.contains("Usage") && !shown.contains("error:"), "{args:?}: {shown}");
    }
    let near = said(&zh(&["demo", "--signin", "v1"]));
    assert!(near.contains("提示：相近的选项：--signing"), "{near}");
}

#[test]
fn the_first_variable_that_is_set_chooses_the_language() {
    for (lc_all, lang, is_zh) in [
        (None, Some("zh_CN.UTF-8"), true),
        (Some(""), Some("zh_CN.UTF-8"), true),
        (Some("zh_CN.UTF-8"), Some("en_US.UTF-8"), true),
        (Some("en_US.UTF-8"), Some("zh_CN.UTF-8"), false),
        (Some(""), Some(""), false),
        (None, None, false),
    ] {
        for args in [&["codes", "204"][..], &["--help"]] {
            let mut command = cloudauth(args);
            command.envs(
                [("LC_ALL", lc_all), ("LANG", lang)]
                    .into_iter()
                    .filter_map(|(name, value)| Some((name, value?))),
            );
            let shown = text(&command.output().unwrap());
            assert_eq!(is_chinese(&shown), is_zh, "{lc_all:?} {lang:?} {args:?}: {shown}");
        }
    }
}

/// Makes each call, and checks that it says something, and no sentence in English.
fn assert_all_chinese(calls: &[&str], endpoint: Option<&str>) {
    let folder = tempfile::tempdir().unwrap();
    for (name, content) in failures::FILES {
        std::fs::write(folder.path().join(name), content).unwrap();
    }
    let folder = folder.path().to_str().unwrap();
    let mut found = Vec::new();
    for call in calls {
        let args: Vec<String> = call.split(' ').map(|arg| arg.replace('@', folder)).collect();
        let mut command = cloudauth(&["--lang", "zh"]);
        command.args(&args).env("ALIBABA_CLOUD_ACCESS_KEY_ID", "EMUtestid");
        command.env("ALIBABA_CLOUD_ACCESS_KEY_SECRET", "s");
        if let Some(endpoint) = endpoint {
            command.env("CLOUDAUTH_ENDPOINT", endpoint);
        }
        let shown = text(&command.output().unwrap()).replace(folder, "");
        if !is_chinese(&shown) || sentences::english(&shown).is_some() {
            found.push(format!("{call}\n{shown}"));
        }
    }
    assert!(found.is_empty(), "{} of {} calls:\n{}", found.len(), calls.len(), found.join("\n"));
}

#[test]
fn failures_have_no_sentence_in_english() {
    assert_all_chinese(failures::CALLS, None);
}

#[cfg(feature = "lab")]
#[test]
fn failures_of_the_lab_have_no_sentence_in_english() {
    assert_all_chinese(failures::LAB, None);
}

#[cfg(feature = "lab")]
#[test]
fn the_report_shows_failing_examples_and_missing_codes_in_chinese() {
    let folder = tempfile::tempdir().unwrap();
    let policy = cloudauth::policy::builtin::THRESHOLD;
    let candidate = policy.replace("value = 75.0, far = \"1/10000\"", "value = 76.5");
    std::fs::write(folder.path().join("p.toml"), candidate).unwrap();
    let rows =
        "{\"sub_code\": \"200\", \"verify_score\": 80}\n{\"sub_code\": \"x\"}\n{\"verify_score\": 1}\n";
    std::fs::write(folder.path().join("rows.jsonl"), rows).unwrap();
    let lab = |args: &[&str]| {
        let args = [&["--lang", "zh", "lab"], args].concat();
        text(&cloudauth(&args).current_dir(folder.path()).output().unwrap())
    };
    let replay = lab(&["replay", "builtin:onboarding", "rows.jsonl"]);
    assert!(replay.contains("（缺失）") && replay.contains("（非返回码）"), "{replay}");
    let written = lab(&["report", "p.toml", "rows.jsonl", "--allow-failing-examples"]);
    let page = std::fs::read_to_string(folder.path().join("report.html")).unwrap();
    assert!(page.contains("：示例 `") && page.contains("：预期"), "{written}");
    assert!(!page.contains(": expected "), "{written}");
}

/// Policy files with a problem, and the Chinese line of it.
const POLICIES: [(&str, &str, &str); 8] = [
    ("format = 1", "format = 9", ":4:10: 不支持的格式版本 9：本程序支持版本 1 [V1]"),
    (
        "format = 1\n",
        "format = 1\nfromat = 1\n",
        "文件中有未知的键：`fromat` [V1]\n    是否指 `format`？可用的有：",
    ),
    ("decision = \"approve\"", "decision = \"aprove\"", "不是有效的结论 [V1]\n    是否指 `approve`？"),
    ("passed = \"T\"", "passed = true", "`passed` 的条件未加引号 [V1]\n    请写作 passed = \"T\""),
    ("sub_code = \"201\"", "sub_code = \"999\"", "条件中的值不是 `sub_code` 的取值 [V1]"),
    ("[policy]", "[policy", "不是有效的 TOML（原文："),
    (
        "[policy.otherwise]\ndecision = \"review\"",
        "[policy.otherwise]\ndecision = \"approve\"",
        "`otherwise` 不得为通过 [V5]",
    ),
    (
        "when = { sub_code = \"201\" }",
        "when = { sub_code = \"204\" }",
        "以下情况中有 1 个单元由 `otherwise` 判定：sub_code 为 201 [V2]\n    例如：",
    ),
];

/// The compiler does not notice a missing translation, because the enums are non-exhaustive.
#[test]
fn every_problem_and_hint_of_a_policy_has_a_chinese_text() {
    let read = |path: &str| {
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
        std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    };
    let problems = "../policy/src/document/problem/";
    for (name, path, prefix, words) in [
        ("ProblemKind", "kind.rs", "Kind::", "policy/problem.rs"),
        ("FilePart", "kind.rs", "FilePart::", "policy/problem.rs"),
        ("Hint", "hint.rs", "Hint::", "policy/hint.rs"),
    ] {
        let source = read(&format!("{problems}{path}"));
        let chinese = read(&format!("src/words/{words}"));
        let is_letter = |char: char| char.is_ascii_alphanumeric();
        let translated: Vec<&str> = chinese
            .split(prefix)
            .skip(1)
            .map(|rest| rest.split(|char| !is_letter(char)).next().unwrap())
            .collect();
        let (_, variants) = source.split_once(&format!("pub enum {name} {{\n")).unwrap();
        let variants = variants.split("\n}\n").next().unwrap().lines();
        let variants: Vec<&str> = variants
            .filter_map(|line| line.strip_prefix("    ").filter(|line| line.starts_with(char::is_uppercase)))
            .map(|line| line.split(|char| !is_letter(char)).next().unwrap())
            .collect();
        assert!(variants.len() >= 4, "{name}: {variants:?}");
        for variant in variants {
            assert!(translated.contains(&variant), "{name}::{variant} has no Chinese text");
        }
    }
}

#[test]
fn the_problems_of_a_policy_are_in_chinese() {
    let folder = tempfile::tempdir().unwrap();
    let vendor = String::from_utf8(cloudauth(&["policy", "show", "vendor"]).output().unwrap().stdout);
    let vendor = vendor.unwrap();
    for (right, wrong, told) in POLICIES {
        let broken = vendor.replacen(right, wrong, 1);
        assert_ne!(broken, vendor, "{right} is in the policy");
        let file = folder.path().join("policy.toml");
        std::fs::write(&file, broken).unwrap();
        let output = zh(&["policy", "check", file.to_str().unwrap()]);
        let shown = said(&output);
        assert_eq!(output.status.code(), Some(1), "{shown}");
        assert!(shown.contains("策略校验未通过") && shown.contains(told), "{told}: {shown}");
    }
}

#[test]
fn a_failed_call_is_explained_in_chinese() {
    let describe =
        ["describe", "--scene-id", "1", "--certify-id", "sha1", "--endpoint", "http://127.0.0.1:1"];
    let mut command = cloudauth(&[&["--lang", "zh"], &describe[..]].concat());
    command.env("ALIBABA_CLOUD_ACCESS_KEY_ID", "EMUtestid").env("ALIBABA_CLOUD_ACCESS_KEY_SECRET", "s");
    let output = command.output().unwrap();
    let shown = said(&output);
    assert_eq!(output.status.code(), Some(6), "{shown}");
    assert!(shown.contains("调用失败：DescribeFaceVerify（127.0.0.1，共尝试 "), "{shown}");
    assert!(shown.contains(" 次）：无法连接服务地址（请求未发出）：连接被拒绝\n"), "{shown}");
}

#[test]
fn missing_credentials_are_explained_in_chinese() {
    let describe = [
        "--lang",
        "zh",
        "describe",
        "--scene-id",
        "1",
        "--certify-id",
        "sha1",
        "--endpoint",
        "http://127.0.0.1:1",
    ];
    let mut command = cloudauth(&describe);
    command.env("ALIBABA_CLOUD_ECS_METADATA_DISABLED", "true");
    let shown = said(&command.output().unwrap());
    assert!(shown.contains("访问凭证不可用：未找到访问凭证。已尝试：环境变量：请设置 "), "{shown}");
    assert!(shown.contains("ALIBABA_CLOUD_ACCESS_KEY_ID 和 ALIBABA_CLOUD_ACCESS_KEY_SECRET"), "{shown}");
    command.env("ALIBABA_CLOUD_ACCESS_KEY_ID", "EMUtestid").env("ALIBABA_CLOUD_ACCESS_KEY_SECRET", "");
    let shown = said(&command.output().unwrap());
    assert!(shown.contains("环境变量：环境变量 ALIBABA_CLOUD_ACCESS_KEY_SECRET 缺失或为空"), "{shown}");
}

#[cfg(feature = "lab")]
#[test]
fn the_lab_explains_rows_files_and_targets_in_chinese() {
    let folder = tempfile::tempdir().unwrap();
    let (data, rows) = (folder.path().join("data"), "data/rows.jsonl");
    std::fs::create_dir(&data).unwrap();
    std::fs::write(data.join("notes.txt"), "").unwrap();
    let mut content = "no JSON\n{\"sub_code\": [], \"label\": \"friend\"}\n".to_owned();
    for score in 0..10 {
        content +=
            &format!("{{\"sub_code\": \"200\", \"verify_score\": 0.{score}, \"label\": \"genuine\"}}\n");
        content +=
            &format!("{{\"sub_code\": \"200\", \"verify_score\": 0.1{score}, \"label\": \"impostor\"}}\n");
    }
    std::fs::write(folder.path().join(rows), content).unwrap();
    let lab = |args: &[&str]| {
        let mut command = cloudauth(&[&["--lang", "zh", "lab"], args].concat());
        text(&command.current_dir(folder.path()).output().unwrap())
    };
    let replay = lab(&["replay", "builtin:onboarding", "data"]);
    for told in [
        "1 行：不是 JSON 对象，已排除",
        "1 行：标注未在映射文件中列出；视为无标注",
        "1 行：`sub_code` 格式有误；视为无效或未知",
        "所给文件夹中有 1 个文件未读取：\n    data/notes.txt：未知的格式",
    ] {
        assert!(replay.contains(told), "{told}: {replay}");
    }
    let calibrate = lab(&["calibrate", "builtin:onboarding", "data"]);
    for told in [
        "警告：100% 的本人的分数不超过 1：分数范围是否为 0 至 1，而不是 0 至 100？",
        "数据不足以支持 1/1000：需要 2995 个无一误识的冒充者标注（约 1000 的 3 倍），现有 10 个",
    ] {
        assert!(calibrate.contains(told), "{told}: {calibrate}");
    }
    for shown in [replay, calibrate] {
        assert_no_english(&shown);
    }
}
