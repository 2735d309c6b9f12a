//! Texts of `emulator` and of the commands that manage a running one.

use std::fmt::Display;

use cloudauth_emulator::{FaultError, RulesError, SnapshotError, StateFileError};

use super::errors::io;
use super::{Language, Said, Text, both, known, text, translated, with_original};

/// Why the emulator does not start: its state file, its address or its settings.
pub(crate) fn cannot_start(address: impl Display, error: std::io::Error) -> Said {
    let own = error.get_ref().and_then(|own| own.downcast_ref::<StateFileError>());
    if let Some(own) = own {
        let (file, reason) = (own.path().display(), own.reason());
        let zh = match reason.get_ref().and_then(|inner| inner.downcast_ref::<SnapshotError>()) {
            Some(inner) => inner.chinese().to_owned(),
            None => io(reason),
        };
        return both(
            format!("cannot use the state file {file}: {reason}"),
            format!("无法使用状态文件 {file}：{zh}"),
        );
    }
    let reason = Said::from(error);
    both(
        format!("cannot start on {address}: {}", reason.en),
        format!("无法在 {address} 上启动：{}", reason.zh()),
    )
}

/// A rule file that is invalid, with its name.
pub(crate) fn invalid_rules(file: &Said, error: &RulesError) -> Said {
    both(format!("{}: {error}", file.en), format!("{}：{}", file.zh(), error.chinese()))
}

pub(crate) const REACHABLE: Text = text(
    "other machines can reach the emulator; its admin API requires the token",
    "其他机器可以访问该模拟器；其管理 API 需要令牌",
);
pub(crate) const ANY_ID: Text = text(
    "the emulator accepts ID numbers of every area; do not enter real people",
    "模拟器接受任意地区的身份证号；请勿输入真实身份",
);

/// The lines that a shell can read, and the address of the console.
pub(crate) fn started(exports: &str, ui: &str, seed: u64) -> Said {
    both(
        format!(
            "EMULATOR - not a real verification. Stop it with Ctrl-C.\n\n{exports}\n\nconsole: {ui}\nseed {seed}"
        ),
        format!("模拟器：非真实的实人认证。按 Ctrl-C 停止。\n\n{exports}\n\n控制台：{ui}\n随机种子 {seed}"),
    )
}

pub(crate) const WHICH: Text = text(
    "no emulator given: start one with `cloudauth emulator` and set CLOUDAUTH_ENDPOINT to the address it prints, or use --endpoint",
    "未指定模拟器：请用 `cloudauth emulator` 启动，并按其提示设置 CLOUDAUTH_ENDPOINT，或使用 --endpoint",
);
pub(crate) fn scheme(option: &str) -> Said {
    both(
        format!("{option}: give the scheme too, as in http://127.0.0.1:8080"),
        format!("{option} 须包含协议，例如 http://127.0.0.1:8080"),
    )
}
pub(crate) fn not_a_base(option: &str) -> Said {
    both(
        format!("{option}: give the address without a query and a fragment, as in http://127.0.0.1:8080"),
        format!("{option} 不得带查询参数或片段，例如 http://127.0.0.1:8080"),
    )
}
pub(crate) const NO_USER: Text = text(
    "--public-url: remove the user name and the password: the URL begins every link of the emulator",
    "--public-url 不得含用户名或密码：模拟器的每个链接都以该 URL 开头",
);
pub(crate) const TO_ITSELF: Text = text(
    "--forward-to: this is the address of this command: give that of your service, or listen on another --port",
    "--forward-to 是本命令自己的地址：请给出您的服务端地址，或用 --port 换一个端口",
);
pub(crate) const NO_FRAGMENT: Text = text(
    "--forward-to: remove the fragment, the part after `#`: it is never sent to a server",
    "--forward-to 不得带片段（`#` 之后的部分）：片段不会发送给服务器",
);
pub(crate) const BAD_TOKEN: Text = text(
    "CLOUDAUTH_EMULATOR_TOKEN has a character that an HTTP header cannot carry",
    "CLOUDAUTH_EMULATOR_TOKEN 含有 HTTP 请求头不允许的字符",
);
pub(crate) const NOT_AN_EMULATOR: Text = text(
    "the server at --endpoint or CLOUDAUTH_ENDPOINT is not an emulator",
    "--endpoint 或 CLOUDAUTH_ENDPOINT 处的服务不是模拟器",
);

pub(crate) fn no_answer(reason: &Said) -> Said {
    both(
        format!(
            "no emulator answers at --endpoint or CLOUDAUTH_ENDPOINT: {}; start one with `cloudauth emulator`",
            reason.en
        ),
        format!(
            "--endpoint 或 CLOUDAUTH_ENDPOINT 处没有模拟器响应：{}；请用 `cloudauth emulator` 启动",
            reason.zh()
        ),
    )
}

/// An error that the emulator reports: what failed, and what to do. An emulator of another version may have no Chinese.
pub(crate) fn reported(
    (error, hint): (&str, &str),
    in_chinese: Option<(&str, &str)>,
    unauthorized: bool,
) -> Said {
    let (en, zh) = match unauthorized {
        true => (
            "\n(this command takes the token from CLOUDAUTH_EMULATOR_TOKEN)",
            "\n（本命令从 CLOUDAUTH_EMULATOR_TOKEN 读取令牌）",
        ),
        false => ("", ""),
    };
    let said = match in_chinese {
        Some((error, hint)) => format!("：{error}\n下一步：{hint}"),
        None => with_original("", format!("{error}; {hint}")),
    };
    both(format!("{error}\nnext: {hint}{en}"), format!("模拟器报告错误{said}{zh}"))
}

pub(crate) const SCORE_OF_SUB_CODE: Text = text(
    "--score sets the score of a result: give it with a SubCode, as in `cloudauth trigger 204 --score 40`",
    "--score 用于设置认证结果的分数，须与 SubCode 同时给出，例如 `cloudauth trigger 204 --score 40`",
);
pub(crate) const NO_VERIFICATION: Text = text(
    "this emulator has no verification yet; give --callback-url to start one",
    "该模拟器尚无认证；请使用 --callback-url 发起一个",
);
pub(crate) const NOT_BEGUN: Text =
    text("the emulator did not return the new verification", "模拟器未返回新发起的认证");

pub(crate) fn cannot_listen(port: u16, error: std::io::Error) -> Said {
    let reason = Said::from(error);
    both(
        format!("cannot listen on port {port}: {}", reason.en),
        format!("无法监听端口 {port}：{}", reason.zh()),
    )
}

/// Why `listen` does not check tokens.
pub(crate) const NO_EMULATOR: Text = text(
    "\ntokens are not checked: no emulator answers at --endpoint or CLOUDAUTH_ENDPOINT",
    "\n不校验 callbackToken：--endpoint 或 CLOUDAUTH_ENDPOINT 处没有模拟器响应",
);
pub(crate) const NO_ENDPOINT: Text = text(
    "\ntokens are not checked: give an emulator's address with --endpoint",
    "\n不校验 callbackToken：请用 --endpoint 指定模拟器的地址",
);

pub(crate) fn listening(url: &str, forwarded_to: Option<&str>, unchecked: Option<Text>) -> Said {
    let (to, zh_to) =
        forwarded_to.map(|to| (format!(", forwarded to {to}"), format!("，转发至 {to}"))).unwrap_or_default();
    let (en, zh) = unchecked.map(|text| (text.en, text.zh)).unwrap_or_default();
    both(
        format!("listening  CallbackUrl {url}/callback{to}; stop it with Ctrl-C{en}"),
        format!("正在监听   CallbackUrl {url}/callback{zh_to}；按 Ctrl-C 停止{zh}"),
    )
}

pub(crate) const BODY_TOO_LARGE: Text = text("the body is larger than 1 MiB", "请求体超过 1 MiB");
pub(crate) const BODY_BROKEN: Text = text("the body is broken or was cut off", "请求体格式有误或不完整");
pub(crate) const BODY_TOO_SLOW: Text = text("the body did not arrive in time", "请求体未在限定时间内到达");

pub(crate) fn malformed(method: impl Display, reason: &Said) -> Said {
    let zh = reason.zh();
    both(format!("malformed  {method}: {}", reason.en), format!("格式有误   {method}：{zh}"))
}

pub(crate) fn probe(method: impl Display) -> Said {
    both(format!("probe      {method}: no callback parameters"), format!("探测请求   {method}：不含回调参数"))
}

pub(crate) fn not_forwarded(reason: &Said) -> Said {
    both(format!(" -> not forwarded: {}", reason.en), format!(" -> 转发失败：{}", reason.zh()))
}

pub(crate) const GENUINE: Text = text("genuine  ", "真实  ");
pub(crate) const FORGED: Text = text("forged   ", "伪造  ");
pub(crate) const UNCHECKED: Text = text("unchecked", "未校验");
pub(crate) const UNKNOWN: Text = text("unknown", "未知");

pub(crate) fn callback(
    authenticity: Text,
    id: &str,
    claimed: &str,
    meaning: Text,
    count: Option<u32>,
) -> Said {
    let (en, zh) = match count {
        Some(count) if count > 1 => {
            (format!(", duplicate (number {count})"), format!("，重复通知（第 {count} 次）"))
        }
        _ => Default::default(),
    };
    both(
        format!(
            "callback   {}  CertifyId {id} claims SubCode {claimed} ({}){en}",
            authenticity.en, meaning.en
        ),
        format!(
            "回调通知   {}  CertifyId {id} 声称 SubCode {claimed}（{}）{zh}",
            authenticity.zh, meaning.zh
        ),
    )
}

pub(crate) fn callback_added(number: &str, kind: &str, to: &str, due: &str) -> Said {
    both(
        format!("callback {number} ({kind}) to {to}, due {due}"),
        format!("回调通知 {number}（{kind}）发往 {to}，发送时间 {due}"),
    )
}

/// The columns of a list of verifications, among [`FIELDS`].
pub(crate) const SESSIONS: [(Text, &str); 5] = [FIELDS[0], FIELDS[1], FIELDS[2], FIELDS[3], FIELDS[5]];
pub(crate) const NO_SESSIONS: Text = text(
    "none; call InitFaceVerify, or try `cloudauth trigger 200 --callback-url URL`",
    "暂无认证；请调用 InitFaceVerify，或运行 `cloudauth trigger 200 --callback-url URL`",
);
/// The fields of a verification: its label, and its name in the admin API.
pub(crate) const FIELDS: [(Text, &str); 10] = [
    (Text { en: "CertifyId", zh: "CertifyId" }, "certify_id"),
    (Text { en: "OuterOrderNo", zh: "OuterOrderNo" }, "outer_order_no"),
    (text("state", "状态"), "state"),
    (Text { en: "SubCode", zh: "SubCode" }, "sub_code"),
    (Text { en: "verifyScore", zh: "verifyScore" }, "verify_score"),
    (text("requested outcome", "预设结果"), "asks_for"),
    (text("started", "发起时间"), "begun"),
    (text("expires", "过期时间"), "expires"),
    (text("link", "认证链接"), "link"),
    (text("callback URL", "回调地址"), "callback_to"),
];

/// The state of a verification, as the admin API names it.
pub(crate) fn state(name: String, language: Language) -> String {
    match language {
        Language::En => name,
        Language::Zh => known::find(known::STATES, &name).unwrap_or(name),
    }
}

pub(crate) fn clock(now: &str, rate: Option<f64>) -> Said {
    match rate {
        None => Said::same(now),
        Some(0.0) => both(format!("{now} (frozen)"), format!("{now}（已停止）")),
        Some(1.0) => both(format!("{now} (running)"), format!("{now}（运行中）")),
        Some(rate) => {
            both(format!("{now} (running {rate} times as fast)"), format!("{now}（以 {rate} 倍速运行）"))
        }
    }
}

pub(crate) fn invalid_fault(error: FaultError) -> Said {
    translated(error, format!("故障无效：{}", error.problem().zh))
}

pub(crate) const NO_FAULTS: Text = text("no faults", "没有故障");
