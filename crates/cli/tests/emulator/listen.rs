//! `cloudauth listen`: the callbacks that it shows and forwards.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::Stdio;

use cloudauth_tests::without_environment;
use serde_json::{Value, json};

use crate::running::{Running, at, cloudauth, document, emulator, read_head};

#[test]
fn listen_takes_a_body_of_1_mib_and_not_a_byte_more() {
    let listener = Running::start(&mut cloudauth(&["listen"]));
    let host = listener.said("callback_url").split('/').nth(2).unwrap();
    for (length, status) in [(1 << 20, "200"), ((1 << 20) + 1, "413")] {
        let mut stream = TcpStream::connect(host).unwrap();
        let head = format!("POST /callback HTTP/1.1\r\nHost: {host}\r\nContent-Length: {length}\r\n\r\n");
        stream.write_all(head.as_bytes()).unwrap();
        stream.write_all(&vec![b'x'; length]).unwrap();
        let mut answer = [0; 12];
        stream.read_exact(&mut answer).unwrap();
        assert_eq!(std::str::from_utf8(&answer).unwrap(), format!("HTTP/1.1 {status}"), "{length}");
    }
}

#[test]
fn listen_forwards_callbacks_and_returns_the_status_of_the_target() {
    let emulator = emulator();
    let mut far = Running::start(&mut cloudauth(&["listen"]));
    let url = far.said("callback_url").to_owned();
    let mut near = Running::start(&mut cloudauth(&["listen", "--forward-to", &format!("{url}?shop=1")]));
    let here = near.said("callback_url").to_owned();
    let done = document(&at(&emulator, &["trigger", "204", "--callback-url", &here]));
    for listener in [&mut far, &mut near] {
        assert_eq!(listener.next()["probe"], true);
        let heard = listener.next();
        assert_eq!((&heard["certify_id"], &heard["status"]), (&done["certify_id"], &json!(200)));
    }
    drop(far);
    let refused = at(&emulator, &["trigger", "204", "--callback-url", &here]);
    assert_eq!(refused.status.code(), Some(1), "the target is down, so the CallbackUrl does not answer 200");
    let document = near.next();
    assert_eq!(
        (&document["status"], &document["forward_error"]),
        (&Value::Null, &json!("connection refused"))
    );
}

#[test]
fn listen_does_not_forward_to_itself() {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port().to_string();
    for host in ["127.0.0.1", "LocalHost"] {
        let target = format!("http://{host}:{port}/callback");
        let refused = cloudauth(&["listen", "--port", &port, "--forward-to", &target]).output().unwrap();
        let stderr = String::from_utf8_lossy(&refused.stderr);
        assert!(refused.status.code() == Some(2) && stderr.contains("address of this command"), "{stderr}");
    }
}

#[test]
fn listen_distinguishes_genuine_forged_duplicate_and_malformed_callbacks() {
    let emulator = emulator();
    let mut listener =
        Running::start(cloudauth(&["listen"]).env("CLOUDAUTH_ENDPOINT", emulator.said("endpoint")));
    let url = listener.said("callback_url").to_owned();
    document(&at(&emulator, &["trigger", "200", "--callback-url", &url]));
    assert_eq!(listener.next()["probe"], true);
    let mut told = |kind: &str| {
        if !kind.is_empty() {
            document(&at(&emulator, &["trigger", kind]));
        }
        let heard = listener.next();
        (heard["authenticity"].as_str().unwrap().to_owned(), heard["duplicate"].as_bool().unwrap())
    };
    assert_eq!(told(""), ("genuine".to_owned(), false));
    assert_eq!(told("duplicate"), ("genuine".to_owned(), true));
    assert_eq!(told("forged"), ("forged".to_owned(), true));
    let get = |query: &str| ureq::get(format!("{url}?{query}")).call().unwrap();
    get("certifyId=nobody&passed=200&callbackToken=x");
    assert_eq!(told(""), ("forged".to_owned(), false), "the emulator knows no such verification");
    get("certifyId=a&passed=200&passed=205");
    assert_eq!(listener.next()["malformed"], "the callback gives a field twice");

    let mut alone = Running::start(&mut cloudauth(&["listen"]));
    ureq::get(format!("{}?certifyId=a&passed=200", alone.said("callback_url"))).call().unwrap();
    assert_eq!(alone.next()["authenticity"], "unchecked");
}

/// The variable may name the real service, or any other server: neither the admin token nor a callback's token is sent there.
#[test]
fn listen_sends_no_token_to_a_server_that_is_not_an_emulator() {
    for (status, body) in [
        ("404 Not Found", ""),
        ("401 Unauthorized", r#"{"Code":"InvalidAccessKeyId.NotFound"}"#),
        ("401 Unauthorized", r#"{"error":"who are you?"}"#),
        ("200 OK", "{}"),
        ("200 OK", r#"{"version":"1.0","endpoint":"http://127.0.0.1","seed":7}"#),
    ] {
        let server = TcpListener::bind("127.0.0.1:0").unwrap();
        let endpoint = format!("http://{}", server.local_addr().unwrap());
        let heard = std::thread::spawn(move || {
            let mut requests = Vec::new();
            loop {
                let (mut stream, _) = server.accept().unwrap();
                let request = read_head(&mut stream).to_ascii_lowercase();
                if request.starts_with("get /end ") {
                    return requests;
                }
                requests.push(request);
                let head =
                    format!("HTTP/1.1 {status}\r\ncontent-type: application/json\r\nconnection: close");
                write!(stream, "{head}\r\ncontent-length: {}\r\n\r\n{body}", body.len()).unwrap();
            }
        });
        let mut command = cloudauth(&["listen"]);
        command.env("CLOUDAUTH_ENDPOINT", &endpoint).env("CLOUDAUTH_EMULATOR_TOKEN", "planted-admin");
        let mut listener = Running::start(&mut command);
        let callback = "certifyId=a&passed=200&callbackToken=planted-callback";
        ureq::get(format!("{}?{callback}", listener.said("callback_url"))).call().unwrap();
        assert_eq!(listener.next()["authenticity"], "unchecked", "{status} {body}");
        let mut end = TcpStream::connect(endpoint.trim_start_matches("http://")).unwrap();
        end.write_all(b"GET /end HTTP/1.1\r\n\r\n").unwrap();
        let requests = heard.join().unwrap();
        assert_eq!(requests.len(), 1, "{status} {body}: {requests:?}");
        assert!(requests[0].starts_with("get /_emu/v1/info "), "{requests:?}");
        assert!(!requests[0].contains("authorization") && !requests[0].contains("planted"), "{requests:?}");
    }
}

#[test]
fn listen_checks_tokens_with_an_emulator_that_requires_the_admin_token() {
    let emulator = Running::start(&mut cloudauth(&["emulator", "--host", "0.0.0.0"]));
    let endpoint = emulator.said("endpoint").replace("0.0.0.0", "127.0.0.1");
    let with_token = |args: &[&str]| {
        let mut command = cloudauth(args);
        command.env("CLOUDAUTH_ENDPOINT", &endpoint);
        command.env("CLOUDAUTH_EMULATOR_TOKEN", emulator.said("admin_token"));
        command
    };
    let mut listener = Running::start(&mut with_token(&["listen"]));
    let url = listener.said("callback_url").to_owned();
    document(&with_token(&["trigger", "204", "--callback-url", &url]).output().unwrap());
    assert_eq!(listener.next()["probe"], true);
    assert_eq!(listener.next()["authenticity"], "genuine");
}

#[test]
fn listen_shows_no_secret_of_the_target() {
    let target = "http://ci:planted@127.0.0.1:9/hook?key=planted";
    let mut command = without_environment(env!("CARGO_BIN_EXE_cloudauth"));
    command.args(["listen", "--forward-to", target]).stdin(Stdio::null());
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(line.contains("forwarded to http://127.0.0.1:9/hook;"), "{line}");
    assert!(!line.contains("planted") && !line.contains("ci:"), "{line}");
}

#[test]
fn a_callback_url_is_shown_without_its_password() {
    let emulator = emulator();
    let listener = Running::start(&mut cloudauth(&["listen"]));
    let url = listener.said("callback_url").replace("http://", "http://ci:planted@") + "?key=planted";
    let done = at(&emulator, &["trigger", "204", "--callback-url", &url]);
    let added = at(&emulator, &["trigger", "duplicate"]);
    let all = at(&emulator, &["sessions"]);
    for output in [&done, &added, &all] {
        let shown = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success() && !shown.contains("planted"), "{output:?}");
    }
    assert_eq!(document(&done)["callback_to"], listener.said("callback_url"));
}

/// A body can fail for other reasons than its size.
#[test]
fn listen_names_what_is_wrong_with_a_body() {
    let mut listener = Running::start(&mut cloudauth(&["listen"]));
    let host = listener.said("callback_url").split('/').nth(2).unwrap().to_owned();
    let mut stream = TcpStream::connect(&host).unwrap();
    let head = format!("POST /callback HTTP/1.1\r\nHost: {host}\r\nTransfer-Encoding: chunked\r\n\r\n");
    stream.write_all(format!("{head}not a length\r\n").as_bytes()).unwrap();
    let refused = listener.next();
    assert_eq!(
        (&refused["malformed"], &refused["status"]),
        (&json!("the body is broken or was cut off"), &json!(400))
    );
}

#[test]
fn listen_forwards_method_content_type_and_body() {
    let target = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/hook", target.local_addr().unwrap());
    let server = std::thread::spawn(move || {
        let (mut stream, _) = target.accept().unwrap();
        let mut request = Vec::new();
        while !request.ends_with(b"{\"a\":1}") {
            let mut bytes = [0; 1024];
            let read = stream.read(&mut bytes).unwrap();
            request.extend_from_slice(&bytes[..read]);
        }
        stream.write_all(b"HTTP/1.1 201 Created\r\ncontent-length: 0\r\n\r\n").unwrap();
        String::from_utf8(request).unwrap().to_ascii_lowercase()
    });
    let listener = Running::start(&mut cloudauth(&["listen", "--forward-to", &url]));
    let sent = ureq::post(format!("{}?x=1", listener.said("callback_url")))
        .header("content-type", "application/json")
        .send(r#"{"a":1}"#)
        .unwrap();
    assert_eq!(sent.status(), 201, "the target's answer");
    let request = server.join().unwrap();
    assert!(request.starts_with("post /hook?x=1 http/1.1"), "{request}");
    assert!(request.contains("content-type: application/json"), "{request}");
}

#[test]
fn listen_masks_a_method_of_digits() {
    let mut listener = Running::start(&mut cloudauth(&["listen"]));
    let address = listener.said("callback_url").replace("http://", "").replace("/callback", "");
    let mut stream = TcpStream::connect(address).unwrap();
    stream.write_all(b"X999999199001012003 /callback HTTP/1.1\r\nhost: a\r\n\r\n").unwrap();
    assert_eq!(listener.next()["method"], "X[digits]");
}
