//! Limits on what the commands read from the network. `listen.rs` has that of a body.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};

use crate::running::{Running, cloudauth, read_head};

/// Another program may answer at the endpoint.
#[test]
fn a_response_of_the_emulator_over_10_mib_is_not_read() {
    let bound = 10 << 20;
    for (length, language, told) in
        [(bound, "en", ""), (bound + 1, "en", "the response is too large"), (bound + 1, "zh", "响应过大")]
    {
        let server = TcpListener::bind("127.0.0.1:0").unwrap();
        let endpoint = format!("http://{}", server.local_addr().unwrap());
        let answering = std::thread::spawn(move || {
            let (mut stream, _) = server.accept().unwrap();
            read_head(&mut stream);
            let list = r#"{"sessions":[]}"#;
            let body = list.to_owned() + &" ".repeat(length - list.len());
            let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n");
            stream.write_all(head.as_bytes()).unwrap();
            // The command may leave before the end.
            let _ = stream.write_all(body.as_bytes());
        });
        let output = cloudauth(&["sessions", "--endpoint", &endpoint, "--lang", language]).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.success(), told.is_empty(), "{length}: {said}");
        assert!(said.contains(told), "{length}: {said}");
        // A command that failed before it connected leaves the server waiting.
        answering.join().unwrap();
    }
}

/// The bound of the HTTP library: 8 KiB and 4 KiB for each of 100 headers.
#[test]
fn a_head_over_408_kib_is_refused_by_listen() {
    let listener = Running::start(&mut cloudauth(&["listen"]));
    let host = listener.said("callback_url").split('/').nth(2).unwrap();
    let bound = 408 << 10;
    let start = format!("GET /callback HTTP/1.1\r\nHost: {host}\r\nA: ");
    // No byte beyond the limit: an unread byte could reset the connection before the answer is read.
    for (length, end, status) in [(bound - 1, "\r\n\r\n", "200"), (bound, "", "431")] {
        let mut stream = TcpStream::connect(host).unwrap();
        let head = start.clone() + &"a".repeat(length - start.len() - end.len()) + end;
        stream.write_all(head.as_bytes()).unwrap();
        let mut answer = [0; 12];
        stream.read_exact(&mut answer).unwrap();
        assert_eq!(std::str::from_utf8(&answer).unwrap(), format!("HTTP/1.1 {status}"), "{length}");
    }
}
