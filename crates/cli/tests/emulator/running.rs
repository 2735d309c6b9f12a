//! The command, and one that runs while a test talks to it.

use std::io::{BufRead, BufReader, Read};
use std::net::TcpStream;
use std::process::{Child, ChildStdout, Command, Output, Stdio};

use cloudauth_tests::without_environment;
use serde_json::Value;

pub(crate) fn cloudauth(args: &[&str]) -> Command {
    let mut command = without_environment(env!("CARGO_BIN_EXE_cloudauth"));
    command.args(args).args(["--output", "json"]).stdin(Stdio::null());
    command
}

/// A command that runs until this is dropped. Its output has one document per line.
pub(crate) struct Running {
    child: Child,
    lines: BufReader<ChildStdout>,
    pub(crate) first: Value,
}

impl Running {
    pub(crate) fn start(command: &mut Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap());
        let mut running = Self { child, lines, first: Value::Null };
        running.first = running.next();
        running
    }

    pub(crate) fn next(&mut self) -> Value {
        let mut line = String::new();
        self.lines.read_line(&mut line).unwrap();
        serde_json::from_str(&line).unwrap_or_else(|_| panic!("no document: {line}"))
    }

    pub(crate) fn said(&self, field: &str) -> &str {
        self.first[field].as_str().unwrap()
    }

    pub(crate) fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.kill();
    }
}

pub(crate) fn emulator() -> Running {
    Running::start(&mut cloudauth(&["emulator"]))
}

pub(crate) fn at(emulator: &Running, args: &[&str]) -> Output {
    cloudauth(args).env("CLOUDAUTH_ENDPOINT", emulator.said("endpoint")).output().unwrap()
}

pub(crate) fn document(output: &Output) -> Value {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// Reads a request without a body.
pub(crate) fn read_head(stream: &mut TcpStream) -> String {
    let mut request = Vec::new();
    while !request.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte).unwrap();
        request.push(byte[0]);
    }
    String::from_utf8(request).unwrap()
}
