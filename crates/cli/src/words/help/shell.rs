//! Help of `completions` and `man`.

#[cfg(not(feature = "shell"))]
pub(super) const HELP: [(&str, &str); 2] = [
    ("completions", "输出 shell 的命令补全脚本；需要启用 `shell` 特性的版本"),
    ("man", "将各命令的手册页写入文件夹；需要启用 `shell` 特性的版本"),
];

#[cfg(feature = "shell")]
pub(super) const HELP: [(&str, &str); 4] = [
    ("completions", "输出 shell 的命令补全脚本"),
    ("completions:shell", "shell 的名称"),
    ("man", "将各命令的手册页写入文件夹"),
    ("man:folder", "文件夹，须已存在"),
];
