//! Counts the instructions that readers of bytes from outside take for 1, 2 and 4 times as long an input.
//!
//! The readers are the fuzz targets, except [`WITHOUT`], and an input is one part that is repeated. Instructions do not depend
//! on the machine's load, and differences of counts leave out what does not grow. A linear reader takes twice as many for the
//! second doubling as for the first.

use std::fs;
use std::ops::RangeInclusive;
use std::path::Path;
use std::process::Stdio;

use anyhow::{Context, Result, bail, ensure};

use super::fuzz;
use crate::shell::{command, is_there, root};

/// An input of a target that can be made longer.
struct Shape {
    target: &'static str,
    what: &'static str,
    before: &'static str,
    /// What is repeated; `@` is its number.
    part: &'static str,
    after: &'static str,
    /// How often. The longest input has four times as many parts: at most a megabyte, because valgrind is slow.
    times: usize,
}

/// One run.
struct Measured {
    instructions: f64,
    bytes: f64,
}

/// The second doubling must take about twice as much as the first, or the parts are not all read. A third more is allowed.
const GROWTH: RangeInclusive<f64> = 1.8..=2.6;
/// The fewest instructions for a byte that is read, in a build without optimization. Copying it takes two.
const FEWEST: f64 = 20.0;

/// The targets without a shape. The first two read a script of their own and not bytes from outside; Parquet is read by its library, and
/// only in a build of its own.
const WITHOUT: [&str; 3] = ["exchange", "flow_machine", fuzz::PARQUET];

/// Runs all shapes, or those of one target. Fails if one grows faster than its input.
pub(crate) fn run(named: Option<&str>) -> Result<()> {
    if !is_there("valgrind") {
        bail!("growth needs valgrind: `valgrind --version` fails");
    }
    let shapes: Vec<_> =
        SHAPES.iter().filter(|shape| named.is_none_or(|name| name == shape.target)).collect();
    if shapes.is_empty() {
        bail!("no input to make longer for the target `{}`", named.unwrap_or_default());
    }
    for target in fuzz::all()? {
        let has_shape = SHAPES.iter().any(|shape| shape.target == target);
        ensure!(has_shape || WITHOUT.contains(&&*target), "no input of the target `{target}` is made longer");
    }
    let program = fuzz::build(false)?;
    println!("{:<20} {:<34} {:>9} {:>9} {:>7}", "target", "repeated", "bytes", "a byte", "growth");
    let mut wrong = Vec::new();
    for shape in shapes {
        let one = shape.measured(&program, 1)?;
        let two = shape.measured(&program, 2)?;
        let four = shape.measured(&program, 4)?;
        let a_byte = (four.instructions - two.instructions) / (four.bytes - two.bytes);
        let growth = (four.instructions - two.instructions) / (two.instructions - one.instructions);
        let Shape { target, what, .. } = shape;
        println!("{target:<20} {what:<34} {:>9} {a_byte:>9.1} {growth:>7.2}", four.bytes);
        if !(a_byte >= FEWEST && GROWTH.contains(&growth)) {
            wrong.push(format!("{target}, {what}"));
        }
    }
    if !wrong.is_empty() {
        bail!("not read, or slower than their length: {}", wrong.join("; "));
    }
    Ok(())
}

impl Shape {
    /// Runs the input with this many times the parts.
    fn measured(&self, program: &Path, factor: usize) -> Result<Measured> {
        let folder = root().join("fuzz/target/growth").join(self.target);
        fs::create_dir_all(&folder)?;
        let (file, times) = (folder.join("input"), self.times * factor);
        let text = self.text(times);
        fs::write(&file, &text)?;
        let instructions = self
            .counted(program, &file)
            .with_context(|| format!("{}: {times} times {}", self.target, self.what))?;
        Ok(Measured { instructions, bytes: text.len() as f64 })
    }

    fn text(&self, times: usize) -> String {
        let mut text = self.before.to_owned();
        for number in 0..times {
            text += &self.part.replace('@', &format!("{number:06}"));
        }
        text + self.after
    }

    fn counted(&self, program: &Path, file: &Path) -> Result<f64> {
        let profile = file.with_extension("callgrind");
        let out = format!("--callgrind-out-file={}", profile.display());
        let (program, file) = (program.display().to_string(), file.display().to_string());
        let mut valgrind = command("valgrind", &["-q", "--tool=callgrind", &out, &program, &file]);
        fuzz::choose(&mut valgrind, self.target)?;
        // The bounds on time and memory are those of a program that runs alone.
        valgrind.env("FUZZ_UNBOUNDED", "true");
        let output = valgrind.stdout(Stdio::null()).output()?;
        if !output.status.success() {
            bail!("fails: {}", String::from_utf8_lossy(&output.stderr));
        }
        let text = fs::read_to_string(&profile)?;
        fs::remove_file(&profile)?;
        let total = text
            .lines()
            .find_map(|line| line.strip_prefix("totals: "))
            .context("callgrind wrote no total")?;
        Ok(total.trim().parse()?)
    }
}

#[rustfmt::skip]
const SHAPES: &[Shape] = &[
    shape("replies", "unknown members", r#"0{"Code":"200","#, r#""New@":"x","#, r#""Message":"success"}"#, 2_000),
    shape("replies", "characters of a text", r#"0{"Code":"200","Message":""#, "success ", r#""}"#, 8_000),
    shape("replies", "escapes of a text", r#"0{"Code":"200","Message":""#, r"\u5f20\\", r#""}"#, 8_000),
    shape("replies", "items of lists", r#"0{"Code":"200","New":["#, r#"[@,null],"#, "0]}", 4_000),
    shape("replies", "labels of devices", r#"0{"Code":"200","ResultObject":{"Passed":"T","SubCode":"200","DeviceRisk":""#, "Root@,", r#"x"}}"#, 5_000),
    shape("replies", "blanks", r#"0{"Code":"200""#, "        ", r#","Message":"success"}"#, 8_000),
    shape("gateway_errors", "elements of XML", "<Error><Code>NoPermission</Code>", "<New@>x</New@>", "</Error>", 4_000),
    shape("gateway_errors", "tags that stay open", "<Error>", "<New@>", "", 4_000),
    shape("gateway_errors", "references of XML", "<Error><Code>NoPermission</Code><Message>", "&amp;&#24352;", "</Message></Error>", 8_000),
    shape("material", "unknown members", "{", r#""new@":{"a":[true]},"#, r#""faceAttack":"F"}"#, 1_500),
    shape("material", "escapes of a text", r#"{"new":""#, r"\u5f20", r#"","faceAttack":"F"}"#, 4_000),
    shape("callback", "parameters", "certifyId=x&subCode=200", "&n@=1", "", 50),
    shape("callback", "escapes", "certifyId=x&subCode=200&passed=", "%41", "", 160),
    shape("browser_return", "unknown members", r#"{"code":1000,"#, r#""new@":"x","#, r#""reason":"Z5120"}"#, 240),
    shape("browser_return", "parameters", "https://shop.example/back?", "n@=1&", "response=%7B%7D", 380),
    shape("values", "letters", "", "abcdefgh", "", 8_000),
    shape("values", "Chinese letters", "", "张三", "", 8_000),
    shape("values", "parts of a path", "https://shop.example", "/a%20b", "", 8_000),
    shape("signing", "parameters", "DescribeFaceVerify\n", ">new@=a b\n", "", 4_000),
    shape("signing", "characters of a parameter", "DescribeFaceVerify\n>a=", "a b*~/", "\n", 20_000),
    shape("policy", "comments", "", "# a comment\n", "", 19_000),
    shape("policy", "problems", "format = 1\n", "[new@]\n", "", 5_000),
    shape("policy", "thresholds", "format = 1\n[policy]\nid = \"a\"\n[thresholds]\n", "t@ = { value = 1.0 }\n", "", 2_000),
    shape("policy", "values of a code", POLICY_BEFORE, "\"@\", ", POLICY_AFTER, 60),
    shape("evidence", "labels", r#"{"device_risk":["#, r#""Root@","#, r#""x"]}"#, 4_000),
    shape("evidence", "unknown members", "{", r#""new@":"x","#, r#""passed":"T"}"#, 4_000),
    shape("evidence", "characters of an unknown name", "{\"", "new", r#"":"x","passed":"T"}"#, 20_000),
    shape("lab_json", "lines", "", "{\"sub_code\":\"200\",\"passed\":\"T\",\"id\":\"@\"}\n", "", 4_000),
    shape("lab_json", "lines of new layouts", "", "{\"sub_code\":\"200\",\"new@\":\"x\"}\n", "", 4_000),
    shape("lab_json", "members of a line", "{", r#""new@":"x","#, "\"passed\":\"T\"}\n", 10_000),
    shape("lab_json", "escapes of a text", r#"{"label":""#, r"\u5f20", "\",\"passed\":\"T\"}\n", 20_000),
    shape("lab_json", "broken lines", "", "{\"sub_code\":\n", "", 10_000),
    shape("lab_csv", "records", "sub_code,passed,time\n", "200,T,2026-01-02T03:04:05Z\n", "", 3_000),
    shape("lab_csv", "columns", "sub_code,passed", ",new@", "\n200,T\n", 20_000),
    shape("lab_csv", "quotes of a field", "sub_code,passed,note\n200,T,\"", "\"\"", "\"\n", 50_000),
    shape("lab_csv", "text after quotes", "sub_code,passed\n", "200,T\n\"20\"4,F\n", "", 6_000),
    shape("lab_checkpoint", "values of a segment", SEGMENTS, "200,T,,,,s@\n", "", 240),
    shape("lab_checkpoint", "people", SEGMENTS, "200,T,genuine,2026-01-02,p@,a\n", "", 2_000),
    shape("lab_mapping", "values of a label", "format = 1\n[label]\ncolumn = \"truth\"\ngenuine = [", "\"a@\",", "]\n", 4_000),
    shape("lab_mapping", "unknown members", "format = 1\n", "new@ = 1\n", "", 4_000),
    shape("lab_counts", "lines of CSV", COUNTS, "decisions,,,0,-1,,,impostor,,204,-1,2\n", "", 2_000),
    shape("credentials_files", "profiles of JSON", r#"{"current":"a","profiles":["#, r#"{"name":"p@","mode":"AK"},"#, r#"{"name":"a","mode":"AK","access_key_id":"testid","access_key_secret":"x"}]}"#, 5_000),
    shape("credentials_files", "profiles of INI", "[default]\ntype = access_key\naccess_key_id = testid\naccess_key_secret = x\n", "[p@]\ntype = access_key\n", "", 5_000),
    shape("credentials_files", "continued lines", "[default]\ntype = access_key\npolicy = {\n", "  \"a\":\n", "  }\n", 10_000),
    shape("credentials_answers", "unknown members", "\u{2}--- 200\n{", r#""new@":"x","#, r#""Credentials":{"SecurityToken":"t","AccessKeyId":"STS.x","AccessKeySecret":"s","Expiration":"2026-01-02T04:05:06Z"}}"#, 2_000),
    shape("credentials_answers", "elements of XML", "\u{2}--- 403\n<Error>", "<New@>x</New@>", "</Error>", 2_000),
    shape("flow_document", "unknown members", r#"{"id":"09090909090909090909090909090909","#, r#""new@":"x","#, r#""order":"order-1"}"#, 4_000),
    shape("flow_webhook", "signatures", "msg_p5jXN8AQM9LWM0D4loKWxJek\n1614265330\n", "v1,AAAA ", "\n{}", 30),
    shape("flow_webhook", "characters of the body", "msg_p5jXN8AQM9LWM0D4loKWxJek\n1614265330\nv1,AAAA\n{", "abcdefgh", "}", 8_000),
    shape("flow_pages", "characters of a form", "POST $\n-\n-\nmeta_info=", "%7B%22", "", 2_500),
    shape("flow_pages", "fields of a form", "POST $\n-\n-\n", "n@=1&", "meta_info=%7B%7D", 1_500),
    shape("flow_pages", "languages", "GET $\n-\n", "zh-CN;q=0.9,", "en", 1_000),
    shape("emulator_http", "parameters of a call", "CALL DescribeFaceVerify\n", "new@=a\n", "CertifyId=x", 200),
    shape("emulator_http", "characters of a parameter", "CALL DescribeFaceVerify\nA=", "a b*", "\nCertifyId=x", 20_000),
    shape("emulator_http", "parameters of a refused call", REFUSED, "n@=1&", "a=b", 200),
    shape("emulator_http", "members of an admin request", "POST /_emu/v1/sessions\n{", r#""new@":"x","#, r#""sub_code":"204"}"#, 8_000),
    shape("emulator_http", "sessions of a snapshot", SNAPSHOT, SESSION, "]}", 300),
    shape("emulator_http", "headers", "RAW\nPOST / HTTP/1.1\r\nHost: x\r\n", "x-n@: 1\r\n", "\r\n", 20),
];

/// A call whose signature does not match.
const REFUSED: &str = "POST /?Action=DescribeFaceVerify&Version=2019-03-07&AccessKeyId=EMUtestid&Signature=x\
    &SignatureMethod=HMAC-SHA1&SignatureVersion=1.0&SignatureNonce=1&Timestamp=2026-01-02T03:04:05Z\n";

/// The columns of the mapping of the target `lab_checkpoint`.
const SEGMENTS: &str = "sub_code,passed,label,time,subject,segment\n";

/// A snapshot up to its second session.
const SNAPSHOT: &str = r#"PUT /_emu/v1/snapshot
{"format":1,"seed":0,"made":4,"clock":{"shown":1767323045000,"system":1767323045000,"rate":0.0},"history":{"without_source":[],"failures":{}},"faults":{"list":[],"seed":0,"drawn":0},"callbacks":{"made":0,"hold":true,"by_number":{}},"sessions":[{"certify_id":"5cdaf4ce90679a345834515c08f3d853","token":"9bea137fc22c140f694d3d393d210e05","code":"e790764d55","order":"order1","scene_id":"1000000006","return_url":"iframe","link":"","callback":{"url":"x","token":"token12345678"},"magic":"None","rule":null,"forced":null,"begun":1767323045000,"stage":{"finished":{"sub_code":"204","verify_score":42.5}},"identity":"9e50","pending":0,"queried":false,"deleted":false}"#;
const SESSION: &str = r#",{"certify_id":"5cdaf4ce90679a345834515c08@","token":"9bea137fc22c140f694d3d393d@","code":"e790@","order":"order@","scene_id":"1000000006","return_url":"iframe","link":"","callback":null,"magic":"None","rule":null,"forced":null,"begun":1767323045000,"stage":{"finished":{"sub_code":"204","verify_score":42.5}},"identity":"9e50@","pending":0,"queried":false,"deleted":false}"#;

/// A policy whose code has many values.
const POLICY_BEFORE: &str = "format = 1\n[policy]\nid = \"a\"\nversion = \"1\"\nowner = \"a\"\ndescription = \"a\"\n\
    [policy.otherwise]\ndecision = \"review\"\nreason = \"a\"\n[inputs]\npassed = { type = \"flag\" }\n\
    sub_code = { type = \"code\", values = [";
const POLICY_AFTER: &str = "\"200\"] }\n[[rule]]\nid = \"a\"\nwhen = { passed = \"F\" }\nthen = { decision = \"reject\", reason = \"a\" }\n";

/// The first lines of the counts for the worked policy of onboarding.
const COUNTS: &str = "part,policy,candidate,rule,candidate_rule,verdict,candidate_verdict,label,name,value,hundredth,row_count\n\
    about,sha256:c0fd6f2f52d3ec7924786feff08160c771ba12897747bb00d5706dadf18a7746,,20,1,Asia/Shanghai,\
    621e31a9f08d002f47d070c522444e850f5f1c16a60a98706a59bc965988450b,days months attacks,,4,-1,0\n";

const fn shape(
    target: &'static str,
    what: &'static str,
    before: &'static str,
    part: &'static str,
    after: &'static str,
    times: usize,
) -> Shape {
    Shape { target, what, before, part, after, times }
}
