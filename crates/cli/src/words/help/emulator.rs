//! Help of `emulator` and of the commands that manage a running one.

pub(super) const HELP: [(&str, &str); 35] = [
    ("emulator", "运行模拟器，直到被中断"),
    (":port", "端口；0 表示任意空闲端口"),
    (
        "emulator:host",
        "监听地址；非本机回环地址时，管理 API 需要令牌：取自 CLOUDAUTH_EMULATOR_TOKEN，或随机生成",
    ),
    ("emulator:public_url", "认证链接的基础地址，用于浏览器经由其他地址访问时"),
    ("emulator:seed", "ID 和随机选择的种子；重置之前沿用状态文件中的种子"),
    ("emulator:ahead", "时钟提前的秒数；超过 900 时，所有时间戳均已过期"),
    ("emulator:state", "状态文件，不存在时自动创建；重启后会话仍然保留"),
    (
        "emulator:rules",
        "规则文件（JSON），为普通认证指定结果：[{\"order\": \"vip*\", \"sub_code\": \"210\"}]",
    ),
    ("emulator:accept_any_id", "接受任意地区的身份证号；真实个人信息可能因此进入日志"),
    ("listen", "接收回调通知，逐条打印并转发"),
    ("listen:forward_to", "将每个请求（含方法和请求体）转发到该 URL，并以其响应状态作答"),
    ("trigger", "结束运行中模拟器的一次认证，或让其再发送一次回调通知"),
    (
        "trigger#after",
        "示例：\n  cloudauth trigger 204        以 SubCode 204 结束最近一次认证\n  \
         cloudauth trigger 200 --callback-url http://127.0.0.1:8080/callback   先发起一次认证\n  \
         cloudauth trigger forged     发送一条声称认证通过的伪造回调通知",
    ),
    (
        "trigger:outcome",
        "SubCode（200、204 等）、`cancel` 或 `expire` 用于结束认证；`duplicate`、`late`、`forged`、`wrong-token`、`other-shape` 用于发送回调通知",
    ),
    ("trigger:certify_id", "认证的 CertifyId；默认为最近一次"),
    ("trigger:callback_url", "先用虚构身份发起一次认证，并使用该 CallbackUrl"),
    ("trigger:score", "结果中的 verifyScore，0 至 100；须同时给出 SubCode"),
    ("sessions", "列出运行中模拟器的认证"),
    ("sessions:certify_id", "显示某一次认证的全部信息"),
    ("sessions:state", "只列出处于该状态的认证"),
    ("clock", "查看或调整运行中模拟器的时钟"),
    ("clock advance", "向前拨动时钟，并执行到期的任务：90s、30m、24h、1day 2h"),
    ("clock advance:by", "增加的时间"),
    ("clock set", "设置时钟"),
    ("clock set:to", "新的时间：2026-01-02T03:04:05Z"),
    ("clock freeze", "停止时钟"),
    ("clock run", "让时钟以正常速度运行"),
    ("faults", "列出、添加或清除运行中模拟器的故障"),
    ("faults add", "添加故障"),
    (
        "faults add:fault",
        "故障：reset、empty、close_after_acting、status=503、truncated_at=200、latency=1500（毫秒）、'latency={\"uniform\":[50,900]}'、throttle=500 等；完整列表见 docs/emulator.md",
    ),
    ("faults add:action", "只影响该接口的调用"),
    ("faults add:certify_id", "只影响该 CertifyId 的调用"),
    ("faults add:probability", "受影响调用的比例，0 至 1"),
    ("faults add:times", "次数；默认不限"),
    ("faults clear", "清除全部故障"),
];
