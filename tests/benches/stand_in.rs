//! A server for benches, in a process of its own so that its work is not counted: it answers every request with the same
//! reply.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};

const FLAG: &str = "CLOUDAUTH_BENCH_STAND_IN";

/// The answer of `DescribeFaceVerify` for a person who passed.
pub(crate) const REPLY: &str = r#"{"RequestId":"130A2C10-B9EE-4D84-88E3-5384FF039795","Message":"success","Code":"200","ResultObject":{"Passed":"T","SubCode":"200","IdentityInfo":"null","MaterialInfo":"{\"faceAttack\":\"F\",\"faceOcclusion\":\"F\",\"facialPictureFront\":{\"faceAttackScore\":0.00008597839769208804,\"ossBucketName\":\"cn-shanghai-aliyun-cloudauth-1\",\"ossObjectName\":\"verify/1/a_0.jpeg\",\"qualityScore\":99.93,\"verifyScore\":88.25}}"}}"#;

/// The server's process; it ends with this.
pub(crate) struct StandIn {
    process: Child,
    pub(crate) url: String,
}

impl StandIn {
    /// Starts this program once more, as the server.
    pub(crate) fn start() -> Self {
        let program = std::env::current_exe().unwrap();
        let mut process = Command::new(program).env(FLAG, "1").stdout(Stdio::piped()).spawn().unwrap();
        let mut url = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut url).unwrap();
        Self { process, url: url.trim().to_owned() }
    }
}

impl Drop for StandIn {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Serves for ever, if this process is the one that does.
pub(crate) fn serve_if_told() {
    if std::env::var_os(FLAG).is_none() {
        return;
    }
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    println!("http://{}", listener.local_addr().unwrap());
    for stream in listener.incoming().flatten() {
        std::thread::spawn(move || _ = answer(stream));
    }
}

fn answer(mut stream: TcpStream) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    let answer = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{REPLY}",
        REPLY.len()
    );
    let mut reader = BufReader::new(stream.try_clone()?);
    loop {
        let (mut line, mut length) = (String::new(), 0);
        while line != "\r\n" {
            line.clear();
            if reader.read_line(&mut line)? == 0 {
                return Ok(());
            }
            if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                length = value.trim().parse().unwrap();
            }
        }
        reader.read_exact(&mut vec![0; length])?;
        stream.write_all(answer.as_bytes())?;
    }
}
