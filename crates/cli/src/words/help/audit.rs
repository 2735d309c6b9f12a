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
        "校验 SQLite 存储中的每条事件链，以及每个状态和判定是否与链相符；退出码：0 完整，1 有异常或与检查点不符，2 无法读取\n\n有写权限的人可以替换事件链或删除认证；只有存放在别处的检查点才能发现。",
    ),
    ("audit verify:store", "存储的 SQLite 文件；不会被修改，服务可继续运行"),
    ("audit verify:checkpoint", "与之比较的早先检查点"),
    ("audit verify:write_checkpoint", "链完整时，将检查点写入新文件"),
    (
        "audit verify:retention",
        "服务的保存期限（天）：早于此期限开始的链可能已清除；有链被清除的日子不作比较，当天被改动的链不会被发现",
    ),
];
