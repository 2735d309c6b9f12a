//! `docs/codes.md`, written from the manual in the protocol crate.

use std::fmt::Write;
use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use cloudauth_protocol::{ClientCode, Code, GatewayCode, Manual, Passed, SubCode};

use crate::shell::root;

fn file() -> PathBuf {
    root().join("docs/codes.md")
}

/// Writes the file.
pub(crate) fn write() -> Result<()> {
    fs::write(file(), render()).context("cannot write docs/codes.md")
}

/// Fails if the file is not what would be written.
pub(crate) fn check() -> Result<()> {
    let found = fs::read_to_string(file()).context("cannot read docs/codes.md")?;
    if found != render() {
        bail!("docs/codes.md is stale; run `cargo xtask codes`");
    }
    Ok(())
}

/// What precedes the tables.
const BEGINNING: &str = r#"# Codes

| I have ... | look at |
| --- | --- |
| three digits in `Code`, beside HTTP 200 | [the product's answer](#code-the-products-answer-beside-http-200) |
| `T` or `F` in `Passed` | [the field that decides](#resultobjectpassed-the-field-that-decides) |
| a number in `SubCode`, or in `passed` of a callback | [how a verification ended](#resultobjectsubcode-how-a-verification-ended) |
| a word in `Code`, beside HTTP 4xx or 5xx | [the gateway's answer](#the-gateways-code-beside-http-4xx-and-5xx) |
| `code` in the `response` of your ReturnUrl | [the browser's return](#code-in-the-browsers-return) |

In a terminal, `cloudauth codes 417` prints the same entry, and `--lang zh` prints it in Chinese. In a program:

```rust
use cloudauth::{Code, Error, GatewayCode};

/// What to do about a failed call, in English.
fn next_step(error: &Error) -> Option<&'static str> {
    let product = error.code().and_then(Code::manual);
    let manual = product.or_else(|| error.gateway_code().and_then(GatewayCode::manual))?;
    Some(manual.next.en)
}
```

- The two layers are different things: `"401"` in `Code` is a bad parameter, and arrives beside HTTP 200.
- A code that is not listed is kept as it came. It is never a success.
- `Passed` decides, not the SubCode: two SubCodes, 200 and 210, are passes.
- "Who acts" is the role that can change the outcome. "Source" is the web flow's help page, another page, SDK or metadata of the
  vendor, or unverified.
- 424, 417, 406 and `SignatureDoesNotMatch` have [guides](guides/) of their own.

`cargo xtask codes` writes this page from the manual in `crates/protocol/src/codes`.
"#;

fn render() -> String {
    let mut text = String::from(BEGINNING);
    for (title, manual) in [
        ("`Code`: the product's answer, beside HTTP 200", Code::MANUAL),
        ("`ResultObject.Passed`: the field that decides", Passed::MANUAL),
        ("`ResultObject.SubCode`: how a verification ended", SubCode::MANUAL),
        ("The gateway's `Code`, beside HTTP 4xx and 5xx", GatewayCode::MANUAL),
        ("`code` in the browser's return", ClientCode::MANUAL),
    ] {
        table(&mut text, title, manual);
    }
    text
}

fn table(text: &mut String, title: &str, manual: &[Manual]) {
    let head = "| code | meaning | 含义 | who acts | next | 下一步 | source |\n| --- | --- | --- | --- | --- | --- | --- |";
    let _ = writeln!(text, "\n## {title}\n\n{head}");
    for entry in manual {
        let _ = writeln!(
            text,
            "| `{}` | {} | {} | {} | {} | {} | {} |",
            entry.code,
            entry.meaning.en,
            entry.meaning.zh,
            entry.actor.name().en,
            entry.next.en,
            entry.next.zh,
            entry.source.name()
        );
    }
}
