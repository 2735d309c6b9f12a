//! Texts of `demo`, `init`, `describe`, `codes` and `sign`, and of failures that any command may meet.

use std::fmt::Display;
use std::io;

use super::{Said, Text, both, errors, listed, padded, text, with_original};

/// Outcomes of a verification.
pub(crate) const PASSED: Text = text("passed", "认证通过");
pub(crate) const NOT_PASSED: Text = text("not passed", "认证未通过");
pub(crate) const UNCLEAR: Text = text(
    "unclear: the reply contradicts itself; a reviewer must look",
    "结果存疑：返回内容前后矛盾，请转人工复核",
);
pub(crate) const PENDING: Text = text("pending", "认证尚未完成");

pub(crate) fn outcome(outcome: Text, code: Option<&str>) -> Said {
    match code {
        Some(code) => both(format!("{} (code {code})", outcome.en), format!("{}（code {code}）", outcome.zh)),
        None => outcome.into(),
    }
}

/// Labels of a line, eleven columns wide.
pub(crate) const DESCRIBE: Text = text("describe   ", "查询结果   ");
pub(crate) const DECISION: Text = text("decision   ", "策略判定   ");

pub(crate) const MAGIC_IDENTITY: Text = text(
    "--identity takes a magic ID number of the area 999999, so that no real person is in a demo",
    "--identity 仅接受 999999 地区的测试身份证号，演示中不得使用真实身份",
);

pub(crate) fn demo_emulator(url: &str) -> Said {
    both(
        format!("emulator   {url} (not a real verification)"),
        format!("{}{url}（非真实的实人认证）", padded("模拟器", 11)),
    )
}

pub(crate) const NO_LINK: Text = text("the emulator did not accept the MetaInfo", "模拟器未接受该 MetaInfo");

pub(crate) fn demo_init(id: &str, link: &str) -> Said {
    both(
        format!("init       CertifyId {id}, the person opens {link}"),
        format!("发起认证   CertifyId {id}，用户打开 {link}"),
    )
}

pub(crate) fn demo_submit(code: impl Display) -> Said {
    both(
        format!("submit     back with code {code} (finished, which does not mean passed)"),
        format!("提交认证   浏览器返回，code 为 {code}（仅表示流程结束，不代表认证通过）"),
    )
}

pub(crate) const NO_CALLBACK: Text = text("no callback came within 5 seconds", "5 秒内未收到回调通知");
pub(crate) const RECEIVER_STOPPED: Text = text("the receiver of callbacks stopped", "回调通知的接收端已停止");
pub(crate) const WRONG_TOKEN: Text = text(
    "a callback came whose token does not belong to this order",
    "收到的回调通知中，callbackToken 与本订单不符",
);

pub(crate) fn demo_callback(claimed: &str) -> Said {
    both(
        format!("callback   claims SubCode {claimed}, its token is this order's"),
        format!("回调通知   声称 SubCode 为 {claimed}，callbackToken 与本订单一致"),
    )
}

pub(crate) const NO_ANSWER: Text =
    text("the emulator does not answer the browser", "模拟器未响应浏览器的请求");
pub(crate) const NO_WAY_BACK: Text =
    text("the emulator did not redirect the browser", "模拟器未将浏览器跳转回 ReturnUrl");

pub(crate) fn shop_started(shop: &str, ui: &str) -> Said {
    both(
        format!(
            "EMULATOR - not a real verification. Stop it with Ctrl-C.\n\nshop       {shop}\nemulator   {ui}"
        ),
        format!(
            "模拟器：非真实的实人认证。按 Ctrl-C 停止。\n\n{}{shop}\n{}{ui}",
            padded("示例商店", 11),
            padded("模拟器", 11)
        ),
    )
}

pub(crate) fn no_browser(error: impl Display) -> Said {
    both(
        format!("cannot open a browser ({error}); open the shop's address yourself"),
        with_original("无法打开浏览器，请自行访问示例商店的地址", &error),
    )
}

pub(crate) const NO_CERTIFY_URL: Text = text(
    "(none: the service did not accept the MetaInfo; collect it again in the person's browser)",
    "（无：服务方未接受该 MetaInfo，请在用户的浏览器中重新采集）",
);

pub(crate) fn started(id: &str, order_no: &str, link: &str, scene_id: impl Display) -> Said {
    let values = format!("CertifyId    {id}\nOuterOrderNo {order_no}\nCertifyUrl   {link}\n\n");
    let next = format!("cloudauth describe --scene-id {scene_id} --certify-id {id}");
    both(format!("{values}next: {next}"), format!("{values}下一步：{next}"))
}

pub(crate) const NO_CODE: Text = text(
    "unknown code; `cloudauth codes` lists all of them",
    "没有这个返回码；运行 `cloudauth codes` 查看全部",
);

pub(crate) const NONCE: Text = text("--nonce takes 32 hexadecimal digits", "--nonce 须为 32 位十六进制数");

pub(crate) fn stages(canonical: &str, string_to_sign: &str, signature: &str, masked: bool) -> Said {
    let (en, zh) = match masked {
        true => ("\nvalues are masked; --reveal shows them", "\n参数值已脱敏，使用 --reveal 显示原值"),
        false => ("", ""),
    };
    both(
        format!("canonical\n{canonical}\n\nstring to sign\n{string_to_sign}\n\nsignature\n{signature}\n{en}"),
        format!("规范化请求\n{canonical}\n\n待签名字符串\n{string_to_sign}\n\n签名\n{signature}\n{zh}"),
    )
}

pub(crate) const PROXY_PASSWORD: Text = text(
    "--proxy takes no user and password, which other users could read: set HTTPS_PROXY and \
     CLOUDAUTH_USE_ENV_PROXY=1",
    "--proxy 不接受用户名和密码，以免被本机其他用户看到：请设置 HTTPS_PROXY 与 CLOUDAUTH_USE_ENV_PROXY=1",
);

pub(crate) const STANDARD_INPUT: Text = text("standard input", "标准输入");
pub(crate) const TOO_LARGE: Text = text("it is larger than 16 MiB", "超过 16 MiB");
pub(crate) const NOT_TEXT: Text = text("it is not UTF-8 text", "不是 UTF-8 文本");

pub(crate) fn cannot_read(name: Said, reason: Said) -> Said {
    both(
        format!("cannot read {}: {}", name.en, reason.en),
        format!("无法读取 {}：{}", name.zh(), reason.zh()),
    )
}

pub(crate) fn cannot_write(file: impl Display, error: io::Error) -> Said {
    let reason = Said::from(error);
    both(format!("cannot write {file}: {}", reason.en), format!("无法写入 {file}：{}", reason.zh()))
}

pub(crate) fn internal(at: &str) -> Said {
    both(format!("internal error at {at}"), format!("内部错误，位置：{at}"))
}

pub(crate) fn cannot_print(error: &io::Error) -> Said {
    let zh = errors::io(error);
    both(format!("cannot write to standard output: {error}"), format!("无法写入标准输出：{zh}"))
}

pub(crate) fn not_an_object(file: impl Display) -> Said {
    both(format!("{file} is not a JSON object"), format!("{file} 不是 JSON 对象"))
}

pub(crate) const LOOKS_LIKE_JSON: Text = text(
    "the argument, which looks like JSON, not like a file",
    "该参数：它看起来是 JSON 内容而不是文件路径",
);
pub(crate) const NOT_A_PATH: Text = text(
    "the argument, which does not look like a path (write ./NAME for a name without an extension)",
    "该参数：它看起来不是文件路径（没有扩展名的文件请写作 ./名称）",
);

pub(crate) fn duplicate_member(file: impl Display) -> Said {
    both(format!("{file} has the same member twice"), format!("{file} 中有重复的成员"))
}

pub(crate) fn allowed_fields(file: impl Display, fields: &str) -> Said {
    both(format!("{file} may hold only {fields}"), format!("{file} 只能包含字段 {}", listed(fields)))
}

pub(crate) fn missing_field(file: impl Display, field: &str) -> Said {
    both(format!("{file} lacks {field}"), format!("{file} 缺少字段 {field}"))
}

pub(crate) const NOT_AN_IP: Text = text("Ip: must be an IP address", "Ip：须为 IP 地址");

#[cfg(not(all(feature = "audit", feature = "lab", feature = "shell")))]
pub(crate) fn not_in_this_build(command: &str, feature: &str) -> Said {
    both(
        format!("this build has no {command}: build the command with `--features {feature}`"),
        format!("此版本不含 {command} 命令：请使用 `--features {feature}` 构建"),
    )
}
