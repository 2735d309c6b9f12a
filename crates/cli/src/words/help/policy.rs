//! Help of `policy`.

pub(super) const HELP: [(&str, &str); 22] = [
    ("policy", "校验、解释、对比和格式化策略文件，并生成 SQL"),
    (":file", "策略：文件路径，或 `builtin:vendor`、`builtin:threshold`、`builtin:onboarding`"),
    ("policy check", "对所有可能的输入校验策略，并列出每条规则的结论；校验未通过时退出码为 1"),
    ("policy decide", "判定一次认证；退出码：0 通过，8 人工复核，3 重试或拒绝，5 尚未完成"),
    (
        ":evidence",
        "包含输入项的 JSON 文件：DescribeFaceVerify 的完整返回结果，或 {\"sub_code\": \"200\", \"verify_score\": 74.2, ..}；`-` 表示标准输入",
    ),
    ("policy explain", "判定并解释：靠前的规则因哪个条件不适用，以及改变结论所需的最小变化"),
    ("policy diff", "列出两份策略结论不同的输入；无论有无差异，退出码均为 0"),
    ("policy diff:before", "修改前的策略"),
    ("policy diff:after", "修改后的策略"),
    (":allow_failing_examples", "即使策略的示例未通过也继续，用于尝试其他阈值；输出会列出这些示例"),
    ("policy fmt", "就地格式化策略文件"),
    ("policy fmt:file", "策略文件"),
    ("policy fmt:check", "不修改文件；格式不符合规范时退出码为 1"),
    ("policy sql", "将策略输出为一条 SQL 查询，对表中的每一行作出与策略相同的判定"),
    (":dialect", "SQL 方言；maxcompute 未经实际运行测试"),
    (
        "policy sql:table",
        "表名，可带模式名：schema.table；如需使用子查询，请在输出前加上 `WITH name AS (..)`",
    ),
    ("policy sql:columns", "输入项对应的列，用于列名与输入项不同时：verify_score=score；可多次给出"),
    ("policy sql:texts", "以文本列存储的输入项；可多次给出"),
    ("policy sql:kept", "与判定一同输出的列，例如主键；可多次给出"),
    ("policy schema", "打印策略文件的 JSON Schema，供编辑器使用"),
    ("policy show", "打印内置策略：vendor、threshold 或 onboarding"),
    ("policy show:name", "策略名称"),
];
