//! English texts of this project's crates that have no kind, each with its Chinese. `{}` stands for a value.
//!
//! Tests read the sources of the crates, and fail if one of their texts is not in its list.

use super::with_original;

/// A list of texts: English, Chinese.
pub(super) type List = [(&'static str, &'static str)];

/// The Chinese of a text; `None` if no entry of the list has this text.
pub(super) fn find(list: &List, english: &str) -> Option<String> {
    list.iter().find_map(|(en, zh)| {
        let mut text = String::with_capacity(zh.len());
        let mut values = values(en, english)?.into_iter();
        for part in zh.split_inclusive("{}") {
            match part.strip_suffix("{}") {
                Some(before) => text.extend([before, values.next().unwrap_or_default()]),
                None => text += part,
            }
        }
        Some(text)
    })
}

/// The Chinese of a text. If the list does not have it, this Chinese sentence with the original.
pub(super) fn find_or(list: &List, english: &str, zh: &str) -> String {
    find(list, english).unwrap_or_else(|| with_original(zh, english))
}

/// The values of a text, in the order of the pattern; `None` if the text does not match it.
fn values<'t>(pattern: &str, text: &'t str) -> Option<Vec<&'t str>> {
    let mut parts = pattern.split("{}");
    let mut rest = text.strip_prefix(parts.next()?)?;
    let mut values = Vec::new();
    let mut parts = parts.peekable();
    while let Some(part) = parts.next() {
        let (value, after) = match parts.peek() {
            Some(_) => rest.split_once(part)?,
            None => (rest.strip_suffix(part)?, ""),
        };
        values.push(value);
        rest = after;
    }
    rest.is_empty().then_some(values)
}

/// Problems of values. They say nothing about the value itself.
pub(super) const PROBLEMS: &List = &[
    ("must not be empty", "不能为空"),
    ("must not hold control characters", "不能含有控制字符"),
    ("must be a region's name, such as cn-shanghai", "须为地域名，例如 cn-shanghai"),
    ("must be 1 to 1023 bytes, and not begin with a slash", "须为 1 至 1023 字节，且不以斜杠开头"),
    ("must not hold control characters or dots for a folder", "不能含有控制字符或表示文件夹的点"),
    ("must be between 1 and 2^63 - 1", "须在 1 至 2^63 - 1 之间"),
    ("must be a number", "须为数字"),
    ("must be 1 to 64 letters and digits", "须为 1 至 64 位字母或数字"),
    ("must be 1 to 32 letters and digits (A-Z a-z 0-9)", "须为 1 至 32 位字母或数字（A-Z a-z 0-9）"),
    ("must be 3 to 63 lower-case letters, digits and hyphens", "须为 3 至 63 位小写字母、数字或连字符"),
    ("must be at most 64 characters", "最多 64 个字符"),
    ("must be the JSON object that getMetaInfo() returned", "须为 getMetaInfo() 返回的 JSON 对象"),
    ("must begin with https", "须以 https 开头"),
    ("must be http on a loopback host", "须为本机回环地址的 http 地址"),
    ("must not have a fragment", "不能含有 # 片段"),
    ("must not contain white space; write it as %20", "不能含有空白字符，请写作 %20"),
    ("must be an absolute http or https URL", "须为完整的 http 或 https 地址"),
    ("must be 1 to 128 of A-Z a-z 0-9 - . _ ~", "须为 1 至 128 位 A-Z a-z 0-9 - . _ ~"),
    ("must not begin or end with a space", "首尾不能有空格"),
    ("must not hold Latin letters or digits", "不能含有拉丁字母或数字"),
    ("must be an SM2 ciphertext in Base64", "须为 Base64 编码的 SM2 密文"),
    ("must be 11 digits that begin with 1", "须为以 1 开头的 11 位数字"),
    ("must be 1 to 64 letters, digits, `.`, `-` or `_`", "须为 1 至 64 位字母、数字、`.`、`-` 或 `_`"),
    ("the scheme must be https", "协议须为 https"),
    ("an endpoint carries no user or password", "不能带有用户名或密码"),
    (
        "expected https://host or https://host:port, without a path",
        "须为 https://主机 或 https://主机:端口，不带路径",
    ),
    ("the host is missing", "缺少主机名"),
    ("the port must be a number from 1 to 65535", "端口须为 1 至 65535 之间的数字"),
    (
        "a loopback host needs its scheme: http:// for an emulator",
        "本机回环地址须写明协议，模拟器请用 http://",
    ),
    (
        "plain http is for a loopback host alone; use https",
        "只有本机回环地址可以使用 http，其他地址请用 https",
    ),
    ("CLOUDAUTH_USE_ENV_PROXY must be 0 or 1", "CLOUDAUTH_USE_ENV_PROXY 须为 0 或 1"),
    ("only http:// proxies are supported", "只支持 http:// 代理"),
    ("the host must not contain white space", "主机名不能含有空白字符"),
    ("the host must be a name or an IP address", "主机须为域名或 IP 地址"),
    (
        "expected http://[user:password@]host:port, without a path",
        "须为 http://[用户名:密码@]主机:端口，不带路径",
    ),
    ("user and password must be UTF-8", "用户名和密码须为 UTF-8 文本"),
    ("user and password must not hold control characters", "用户名和密码不能含有控制字符"),
    ("is empty", "为空"),
    (
        "begins or ends with white space, such as the final newline of a file",
        "首尾有空白字符，例如文件末尾的换行",
    ),
    ("has a control character or one outside ASCII", "含有控制字符或非 ASCII 字符"),
    ("is longer than 2 KiB", "超过 2 KiB"),
    ("gives a field twice", "有重复的字段"),
    ("names no certifyId", "没有 certifyId"),
    ("names an impossible certifyId", "certifyId 格式有误"),
    ("must be text", "须为字符串"),
    ("is missing or empty", "缺失或为空"),
    ("must be a whole number of seconds", "须为整数秒"),
    ("must be true or false", "须为 true 或 false"),
    ("names a profile that does not exist", "所指的配置不存在"),
    ("single `%`; write `%%`", "单独的 `%` 须写作 `%%`"),
    (
        "must be ASCII: write an international host name in its xn-- form, and the rest percent-encoded",
        "须为 ASCII：国际化域名请写作 xn-- 形式，其余部分请使用百分号编码",
    ),
    (
        "must be 1 to 64 ASCII letters, digits, `.`, `-` or `_`",
        "须为 1 至 64 位 ASCII 字母、数字、`.`、`-` 或 `_`",
    ),
    ("must be 18 characters", "须为 18 位"),
    ("must be 17 digits and a check character", "须为 17 位数字加 1 位校验码"),
    ("holds no valid date of birth", "出生日期无效"),
    ("has a wrong check character (GB 11643)", "校验码有误（GB 11643）"),
    ("section without a name", "小节没有名称"),
    ("duplicate section", "小节重复"),
    ("text before the first section", "第一个小节之前有内容"),
    ("no `=` in the line", "该行没有 `=`"),
    ("value without a key", "值没有键名"),
    ("duplicate key", "键名重复"),
];

/// Texts of the transport that the command uses.
pub(super) const TRANSPORT: &List = &[
    (
        "this build has no TLS; enable the feature `rustls` or `native-tls`",
        "此版本不支持 TLS：请启用 `rustls` 特性",
    ),
    (
        "ureq would log the request; set its log filter to `ureq=debug,ureq_proto=debug`",
        "ureq 会将请求写入日志：请将其日志过滤器设为 `ureq=debug,ureq_proto=debug`",
    ),
    ("ureq does not accept the proxy", "ureq 不接受该代理"),
];

/// States of a verification of the emulator.
pub(super) const STATES: &List = &[
    ("open", "待认证"),
    ("finished", "已完成"),
    ("given_up", "已放弃"),
    ("expired", "已过期"),
    ("deleted", "已删除"),
];

/// Texts of I/O errors that this project's crates create.
pub(super) const FILES: &List = &[
    ("the checkpoint names a file in another folder", "进度文件所指的文件位于其他文件夹"),
    (
        "the checkpoint names a file that is not an unfinished one of this output",
        "进度文件所指的文件不是本次输出的未完成文件",
    ),
    ("it is not a regular file", "不是普通文件"),
    ("there are more than 1,000 faults", "故障超过 1,000 个"),
    ("another process writes it", "另一个进程正在写入"),
    ("it is {} bytes, the checkpoint says {}", "文件为 {} 字节，而进度文件记录为 {} 字节"),
    ("not the name of a file", "不是文件名"),
    ("it is a folder", "这是文件夹，不是文件"),
    ("too many symbolic links", "符号链接的层数过多"),
    ("standard input is not an output: name a file", "标准输入不能用作输出：请指定文件"),
    ("it is read-only: make it writable or name another file", "文件为只读：请改为可写，或换一个文件"),
    ("a record is longer than {} MiB", "有一条记录超过 {} MiB"),
    ("the record at line {} is longer than {} MiB", "第 {} 行的记录超过 {} MiB"),
    ("line {} is longer than {} MiB", "第 {} 行超过 {} MiB"),
    ("the header has text after a closing quote", "表头的右引号之后还有文本"),
    ("a quote that the record of line {} opens is never closed", "第 {} 行的记录中有一个引号没有闭合"),
    ("Parquet can only be read from a file", "Parquet 只能从文件读取"),
    ("the footer is larger than 256 MiB", "文件尾部的元数据超过 256 MiB"),
    ("something other than zeros follows the end of the gzip data", "gzip 数据结束之后还有非零的内容"),
    (
        "the header is longer than 1 MiB; a quote that it opens may never be closed",
        "表头超过 1 MiB，其中可能有引号没有闭合",
    ),
    ("the public URL is not a valid URL", "对外地址不是有效的 URL"),
    ("the record of the emulator is not valid: line {}, column {}", "模拟器的记录无效：第 {} 行第 {} 列"),
    ("session {} is not valid: line {}, column {}", "第 {} 个会话无效：第 {} 行第 {} 列"),
    ("{} is not valid: line {}, column {}", "{} 无效：第 {} 行第 {} 列"),
    (
        "another emulator uses the state file: stop it, or choose another file",
        "另一个模拟器正在使用该文件：请将其停止，或换一个文件",
    ),
    (
        "it is not a state file and stays as it is: choose another file",
        "不是状态文件，未作任何修改：请换一个文件",
    ),
    ("it has state format {}, and this emulator reads format {}", "状态格式为 {}，而本模拟器只能读取格式 {}"),
    ("its folder does not exist", "所在文件夹不存在"),
    ("it or its folder cannot be written", "文件或所在文件夹无法写入"),
    ("it is damaged: restore it, or choose another file", "文件已损坏：请恢复，或换一个文件"),
    ("the disk is full", "磁盘空间不足"),
    (
        "this build of the emulator does not support state files: enable the feature `sqlite`",
        "此版本的模拟器不支持状态文件：请启用 `sqlite` 特性",
    ),
    (
        "an access key id that begins with LTAI looks like one of a real account; make one up for the emulator",
        "以 LTAI 开头的 AccessKey ID 像是真实账号的：模拟器请使用虚构的 AccessKey ID",
    ),
];

/// Reasons why a line of counts is not one that the query of `lab sql` returns.
#[cfg(feature = "lab")]
pub(super) const COUNTS: &List = &[
    ("takes the number of rows over 2^53", "行数的总和超过 2^53"),
    ("has a score of another scale", "分数所用的刻度与其他行不同"),
    ("has a value longer than 1 KiB", "有超过 1 KiB 的值"),
    ("has an invalid day", "日期无效"),
    ("is of a segment that the counts do not name", "所属的分群未在计数中声明"),
    ("has an unknown data issue", "数据问题的种类未知"),
    ("has an unknown part", "`part` 的值未知"),
    ("has a number of notes that is out of range", "数据问题的数量超出范围"),
    ("has an unknown time zone", "时区未知"),
    ("has a segment without its number", "分群没有编号"),
    ("has a rule that the policy does not have", "策略没有该编号的规则"),
    ("has a SubCode that no run counts", "SubCode 不是统计时会出现的值"),
    ("has an unknown score", "分数的名称未知"),
    ("has an invalid month", "月份无效"),
    ("has an unknown verdict", "结论未知"),
    ("has an unknown label", "标注未知"),
    (
        "has a score that is not on the grid, nor at a threshold of the policy",
        "分数既不在统计网格上，也不是策略的阈值",
    ),
    ("has no count in `row_count`", "`row_count` 不是计数"),
    ("has no integer in `{}`", "`{}` 不是整数"),
    (
        "is not CSV with a header and as many fields in each line",
        "不是有效的 CSV：须有表头，且每行的列数相同",
    ),
    ("there is no column `{}`", "没有列 `{}`"),
    ("there are two columns `{}`", "有两个列 `{}`"),
    ("has text after a closing quote", "右引号之后还有文本"),
    ("is not a JSON object", "不是 JSON 对象"),
    ("has `{}` twice", "`{}` 重复"),
    ("has neither a string nor a number in `{}`", "`{}` 既不是字符串也不是数字"),
    ("has no `{}`", "没有 `{}`"),
];

/// What the values of a mapping file must be.
#[cfg(feature = "lab")]
pub(super) const MAPPING: &List = &[(
    "must be a column's name, or { column = .., true = [..], false = [..] }, or { value = .. }",
    "须为列名，或 { column = .., true = [..], false = [..] }，或 { value = .. }",
)];

/// The values that a column may hold.
#[cfg(feature = "lab")]
pub(super) const COLUMNS: &List = &[
    ("timestamps, dates, texts or numbers", "时间戳、日期、文本或数字"),
    ("numbers or texts", "数字或文本"),
    ("texts, numbers or truth values", "文本、数字或布尔值"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_move_into_the_chinese_text() {
        let list: &List = &[("a {} of {}", "甲{}乙{}"), ("plain", "平")];
        assert_eq!(find(list, "a 7 of 8").as_deref(), Some("甲7乙8"));
        assert_eq!(find(list, "plain").as_deref(), Some("平"));
        assert_eq!([find(list, "plainer"), find(list, "a 7"), find(list, "")], [None, None, None]);
    }

    /// The literals that follow these calls in a source, with `{..}` in place of each value. A text without a space is not a
    /// sentence.
    fn literals(source: &str, calls: &[&str]) -> Vec<String> {
        let code = source.split("#[cfg(test)]\nmod tests").next().unwrap();
        let mut found = Vec::new();
        for call in calls {
            for after in code.split(call).skip(1) {
                let literal = after.split('"').next().unwrap();
                let mut pattern = String::new();
                let mut inside = false;
                for char in literal.chars() {
                    match (char, inside) {
                        ('{', _) => (pattern, inside) = (pattern + "{", true),
                        ('}', _) => (pattern, inside) = (pattern + "}", false),
                        (char, false) => pattern.push(char),
                        _ => {}
                    }
                }
                found.extend(Some(pattern).filter(|pattern| pattern.contains(' ')));
            }
        }
        found
    }

    #[track_caller]
    fn assert_listed(list: &List, sources: &[&str], calls: &[&str], least: usize) {
        let found: Vec<String> = sources.iter().flat_map(|source| literals(source, calls)).collect();
        let forgotten: Vec<&String> = found.iter().filter(|text| find(list, text).is_none()).collect();
        assert!(
            found.len() >= least && forgotten.is_empty(),
            "{} texts; forgotten: {forgotten:#?}",
            found.len()
        );
    }

    #[test]
    fn every_problem_of_a_value_is_in_the_list() {
        let values = [
            include_str!("../../../protocol/src/values.rs"),
            include_str!("../../../protocol/src/values/order.rs"),
            include_str!("../../../protocol/src/values/web.rs"),
            include_str!("../../../protocol/src/values/identity.rs"),
            include_str!("../../../protocol/src/ops/raw.rs"),
            include_str!("../../../protocol/src/reply/vendor.rs"),
            include_str!("../../../protocol/src/sign/oss.rs"),
            include_str!("../../../protocol/src/wire/endpoint.rs"),
            include_str!("../../../protocol/src/wire/web_url.rs"),
            include_str!("../../../protocol/src/callback/query.rs"),
            include_str!("../../../protocol/src/credentials.rs"),
            include_str!("../../../transport/src/proxy.rs"),
            include_str!("../../../client/src/credentials/files/cli_profile.rs"),
            include_str!("../../../client/src/credentials/files/ini.rs"),
        ];
        let calls = [
            "InvalidValue::new(parameter, \"",
            "InvalidValue::new(\"SceneId\", \"",
            "InvalidValue::new(\"CertName\", \"",
            "InvalidValue::new(\"CertifyId\", \"",
            "InvalidValue::new(\"AuthId\", \"",
            "InvalidValue::new(\"MetaInfo\", \"",
            "InvalidValue::new(\"CallbackUrl\", \"",
            "InvalidValue::new(\"CallbackToken\", \"",
            "InvalidValue::new(\"Mobile\", \"",
            "InvalidValue::new(\"RequestId\", \"",
            "InvalidValue::new(\"region\", \"",
            "InvalidValue::new(\"object\", \"",
            "bad(\"",
            "bad(if value.is_empty() { \"",
            "let problem = \"",
            "let reason =\n            \"",
            "Error(\"",
            "Error(\n            \"",
            "        Err(\"",
            "HOST: &str = \"",
            "self.invalid(field, \"",
            "problem(\"",
            "what: \"",
            "problem: \"",
        ];
        assert_listed(PROBLEMS, &values, &calls, 45);
    }

    #[test]
    fn every_text_of_an_io_error_is_in_the_list() {
        let files = [
            include_str!("../../../files/src/output.rs"),
            include_str!("../../../files/src/target.rs"),
            include_str!("../../../lab/src/input/chunks.rs"),
            include_str!("../../../lab/src/input/header.rs"),
            include_str!("../../../lab/src/input/source.rs"),
            include_str!("../../../emulator/src/emulator/builder.rs"),
            include_str!("../../../emulator/src/state/store.rs"),
        ];
        let calls = [
            "invalid(\"",
            "let what = \"",
            "let reason = \"",
            "let reason =\n                \"",
            "io::ErrorKind::IsADirectory, \"",
            "io::ErrorKind::StorageFull, \"",
            "let reason = format!(\"",
            "io::ErrorKind::ResourceBusy, \"",
            "io::ErrorKind::InvalidData,\n                    \"",
            "io::ErrorKind::InvalidData, format!(\"",
            "io::ErrorKind::InvalidData,\n        format!(\"",
        ];
        assert_listed(FILES, &files, &calls, 18);
        let transport = [include_str!("../../../transport-blocking/src/lib.rs")];
        assert_listed(TRANSPORT, &transport, &["unsupported(\"", "unsupported(\n                \""], 3);
    }

    #[cfg(feature = "lab")]
    #[test]
    fn every_text_about_counts_and_columns_is_in_the_list() {
        let counts = [
            include_str!("../../../lab/src/warehouse/counts.rs"),
            include_str!("../../../lab/src/warehouse/counts/read.rs"),
        ];
        let calls = [
            "Err(\"",
            "ok_or(\"",
            "map_err(|_| \"",
            "ok_or_else(|| \"",
            "|| format!(\"",
            "(format!(\"",
            "wrong(line, \"",
        ];
        assert_listed(COUNTS, &counts, &calls, 20);
        let columns = [include_str!("../../../lab/src/input/parquet/column_data.rs")];
        assert_listed(
            COLUMNS,
            &columns,
            &["slot::TIME => \"", "is_score(number) => \"", "        _ => \""],
            3,
        );
    }
}
