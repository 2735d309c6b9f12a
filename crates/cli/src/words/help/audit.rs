//! Help of `audit`.

#[cfg(not(feature = "audit"))]
pub(super) const HELP: [(&str, &str); 1] = [("audit", "校验认证事件的哈希链；需要启用 `audit` 特性的版本")];

#[cfg(feature = "audit")]
pub(super) const HELP: [(&str, &str); 7] = [
    ("audit", "校验认证事件的哈希链"),
    (
        "audit verify",
        "校验 SQLite 存储中的每条事件链，以及每个状态和判定是否与链相符；退出码：0 完整，1 有异常或与检查点不符，2 无法读取",
    ),
    (
        "audit verify#long",
        "校验 SQLite 存储中的每条事件链，以及每个状态和判定是否与链相符；退出码：0 完整，1 有异常或与检查点不符，2 无法读取\n\n只有存放在别处的检查点，才能发现能写入文件的人改写了链，或删除了整个认证。",
    ),
    ("audit verify:store", "存储的 SQLite 文件；不会被修改，服务可继续运行"),
    ("audit verify:checkpoint", "与之比较的早先检查点"),
    ("audit verify:write_checkpoint", "链完整时，将检查点写入新文件"),
    (
        "audit verify:retention",
        "服务的保存期限（天）：早于此期限开始的链可能已清除；因此有链缺失的日子不再作进一步比较",
    ),
];
