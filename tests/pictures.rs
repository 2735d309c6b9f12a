//! Downloading face pictures: which addresses are requested, and which are rejected before anything is sent.

#![cfg(test)]

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use cloudauth::pictures::{Picture, PictureError, PictureKind, Pictures};
use cloudauth::sign::oss::OssObject;
use cloudauth::{
    Body, Credentials, DescribeFaceVerify, FaceVerifyStatus, Limits, PublicOnly, Transport, TransportError,
    parse,
};
use cloudauth_transport::testing::{Recording, Scripted};
use http::{Request, Response};
use serde_json::json;

const GOOD: &str = "http://cn-shanghai-aliyun-cloudauth-1260051251634779.oss-cn-shanghai.aliyuncs.com/verify/1260051251634779/03a081bd96328aedf83f635f39a50c57_0.jpeg?Expires=1767323945&OSSAccessKeyId=STS.x&Signature=a%2Bb%3D&security-token=planted";
const JPEG: &[u8] = &[0xff, 0xd8, 0xff, 0xe0, 0, 0x10, b'J', b'F', b'I', b'F'];
const PNG: &[u8] = &[0x89, b'P', b'N', b'G', b'\r', b'\n', 0x1a, b'\n', 0, 0, 0, 13];

/// A response with this address of the picture.
fn answer(url: &str) -> FaceVerifyStatus {
    let material = json!({"facialPictureFront": {"pictureUrl": url}}).to_string();
    let result = json!({"Passed": "T", "SubCode": "200", "MaterialInfo": material});
    let body = json!({"Code": "200", "ResultObject": result}).to_string();
    parse::<DescribeFaceVerify>(&Response::new(Body::from(body))).unwrap().output
}

async fn fetch(pictures: &Pictures, url: &str) -> Result<Picture, PictureError> {
    let FaceVerifyStatus::Finished(result) = answer(url) else { panic!("{url}") };
    let material = result.material_info.parse().unwrap();
    pictures.by_url(&material.facial_picture_front.picture_url.unwrap()).await
}

fn over(answers: impl IntoIterator<Item = Response<Body>>) -> (Arc<Recording<Scripted>>, Pictures) {
    let recording = Arc::new(Recording::new(Scripted::new(answers.into_iter().map(Ok))));
    (Arc::clone(&recording), Pictures::new(PublicOnly::vouched(recording)))
}

fn response(status: u16, body: &[u8]) -> Response<Body> {
    Response::builder().status(status).body(Body::from(body.to_vec())).unwrap()
}

#[tokio::test]
async fn requests_the_signed_address_over_https() {
    let (recording, pictures) = over([response(200, JPEG), response(200, PNG), response(200, JPEG)]);
    let picture = fetch(&pictures, GOOD).await.unwrap();
    assert_eq!((picture.kind(), picture.expose()), (PictureKind::Jpeg, JPEG));
    assert_eq!(format!("{picture:?}"), "Picture(Jpeg, 10 bytes)");
    let with_port = GOOD.replace("aliyuncs.com/", "aliyuncs.com:80/");
    assert_eq!(fetch(&pictures, &with_port).await.unwrap().kind(), PictureKind::Png);
    fetch(&pictures, &GOOD.replace("http:", "https:")).await.unwrap();
    for request in recording.take_requests() {
        assert_eq!(request.uri().to_string(), GOOD.replace("http:", "https:"));
        assert_eq!(request.method(), "GET");
        assert!(request.headers().is_empty(), "our own credentials are not sent");
    }
}

#[tokio::test]
async fn downloads_an_object_with_own_credentials_and_no_secret_in_the_url() {
    let (recording, pictures) = over([response(200, PNG)]);
    let by = Credentials::temporary("STS.x", "secret", "planted-token").unwrap();
    let object =
        OssObject::new("cn-shanghai-aliyun-cloudauth-1", "verify/1/a_0.jpeg", "cn-shanghai").unwrap();
    pictures.by_object(&object, &by).await.unwrap();
    let request = recording.take_requests().remove(0);
    let expected = "https://cn-shanghai-aliyun-cloudauth-1.oss-cn-shanghai.aliyuncs.com/verify/1/a_0.jpeg";
    assert_eq!(request.uri().to_string(), expected);
    assert!(
        request.headers()["authorization"]
            .to_str()
            .unwrap()
            .starts_with("OSS4-HMAC-SHA256 Credential=STS.x/")
    );
    assert!(!format!("{request:?}").contains("planted"), "{request:?}");
}

#[tokio::test]
async fn other_responses_are_errors_that_hide_their_content() {
    let too_large = [JPEG, &vec![0; 5 << 20]].concat();
    for (answer, status, expected) in [
        (response(302, b""), Some(302), "cannot download the picture: HTTP 302"),
        (response(403, b"<Error>planted</Error>"), Some(403), "cannot download the picture: HTTP 403"),
        (response(404, b""), Some(404), "cannot download the picture: HTTP 404"),
        (response(206, JPEG), Some(206), "cannot download the picture: HTTP 206"),
        (response(200, b""), None, "the picture is neither JPEG nor PNG"),
        (response(200, b"<html>planted"), None, "the picture is neither JPEG nor PNG"),
        (response(200, b"GIF89a"), None, "the picture is neither JPEG nor PNG"),
        (response(200, b"\xff\xd8"), None, "the picture is neither JPEG nor PNG"),
        (response(200, &too_large), None, "the picture is neither JPEG nor PNG"),
    ] {
        let (_, pictures) = over([answer]);
        let error = fetch(&pictures, GOOD).await.unwrap_err();
        assert_eq!((error.to_string().as_str(), error.is_address_rejected()), (expected, false));
        assert_eq!(error.status().map(|status| status.as_u16()), status);
        assert!(!format!("{error:?}").contains("planted"), "{error:?}");
    }
}

/// A transport that records its limits.
#[derive(Debug, Default)]
struct LimitRecorder(Mutex<Option<Limits>>);

#[async_trait]
impl Transport for LimitRecorder {
    async fn send(&self, _: Request<Body>, limits: &Limits) -> Result<Response<Body>, TransportError> {
        *self.0.lock().unwrap() = Some(*limits);
        Ok(response(200, JPEG))
    }

    async fn sleep(&self, _: Duration) {}
}

#[tokio::test]
async fn reads_at_most_5_mebibytes() {
    let recorder = Arc::new(LimitRecorder::default());
    fetch(&Pictures::new(PublicOnly::vouched(Arc::clone(&recorder))), GOOD).await.unwrap();
    assert_eq!(recorder.0.lock().unwrap().unwrap().body, 5 * 1024 * 1024);
}

/// Addresses that a forged response could contain.
const ELSEWHERE: [&str; 80] = [
    "http://127.0.0.1/a.jpeg",
    "http://127.1/a.jpeg",
    "http://2130706433/a.jpeg",
    "http://0x7f000001/a.jpeg",
    "http://0177.0.0.1/a.jpeg",
    "http://0/a.jpeg",
    "http://0.0.0.0/a.jpeg",
    "http://localhost/a.jpeg",
    "http://localhost.localdomain/a.jpeg",
    "http://[::1]/a.jpeg",
    "http://[::]/a.jpeg",
    "http://[::ffff:127.0.0.1]/a.jpeg",
    "http://[::ffff:7f00:1]/a.jpeg",
    "http://[fe80::1%25eth0]/a.jpeg",
    "http://[fd00:ec2::254]/latest/meta-data",
    "http://[64:ff9b::7f00:1]/a.jpeg",
    "http://100.100.100.200/latest/meta-data/ram/security-credentials/",
    "http://169.254.169.254/latest/meta-data/",
    "http://metadata.google.internal/computeMetadata/v1/",
    "http://10.0.0.1/a.jpeg",
    "http://172.16.0.1/a.jpeg",
    "http://192.168.1.1/a.jpeg",
    "http://8.8.8.8/a.jpeg",
    "http://127.0.0.1.nip.io/a.jpeg",
    "https://evil.example/a.jpeg",
    "https://evil.example/bucket.oss-cn-shanghai.aliyuncs.com/a.jpeg",
    "https://evil.example?x=bucket.oss-cn-shanghai.aliyuncs.com/a.jpeg",
    "https://evil.example#bucket.oss-cn-shanghai.aliyuncs.com/a.jpeg",
    "https://bucket.oss-cn-shanghai.aliyuncs.com.evil.example/a.jpeg",
    "https://bucket.oss-cn-shanghai.aliyuncs.com./a.jpeg",
    "https://bucket.oss-cn-shanghai.aliyuncs.comevil/a.jpeg",
    "https://bucket.oss-cn-shanghai.evil-aliyuncs.com/a.jpeg",
    "https://bucket.oss-cn-shanghai.aliyuncs.com@evil.example/a.jpeg",
    "https://evil.example@bucket.oss-cn-shanghai.aliyuncs.com/a.jpeg",
    "https://user:password@bucket.oss-cn-shanghai.aliyuncs.com/a.jpeg",
    "https://@bucket.oss-cn-shanghai.aliyuncs.com/a.jpeg",
    "https://evil.example\\@bucket.oss-cn-shanghai.aliyuncs.com/a.jpeg",
    "https://bucket.oss-cn-shanghai.aliyuncs.com\\.evil.example/a.jpeg",
    "https://bucket.oss-cn-shanghai.aliyuncs.com\\a.jpeg",
    "https://bucket.oss-cn-shanghai.aliyuncs.com:22/a.jpeg",
    "https://bucket.oss-cn-shanghai.aliyuncs.com:80/a.jpeg",
    "http://bucket.oss-cn-shanghai.aliyuncs.com:443/a.jpeg",
    "https://bucket.oss-cn-shanghai.aliyuncs.com:0443/a.jpeg",
    "https://bucket.oss-cn-shanghai.aliyuncs.com:/a.jpeg",
    "https://bucket.oss-cn-shanghai.aliyuncs.com:443:80/a.jpeg",
    "https://bucket.oss-cn-shanghai.aliyuncs.com",
    "https://bucket.oss-cn-shanghai.aliyuncs.com/",
    "https://bucket.oss-cn-shanghai.aliyuncs.com/?a.jpeg",
    "https://bucket.oss-cn-shanghai.aliyuncs.com/a.jpeg#x",
    "https://bucket.oss-cn-shanghai-internal.aliyuncs.com/a.jpeg",
    "https://bucket.oss-internal.aliyuncs.com/a.jpeg",
    "https://bucket.oss.aliyuncs.com/a.jpeg",
    "https://bucket.oss-.aliyuncs.com/a.jpeg",
    "https://bucket.oss--x.aliyuncs.com/a.jpeg",
    "https://bucket.oss-cn-shanghai-.aliyuncs.com/a.jpeg",
    "https://oss-cn-shanghai.aliyuncs.com/bucket/a.jpeg",
    "https://.oss-cn-shanghai.aliyuncs.com/a.jpeg",
    "https://ab.oss-cn-shanghai.aliyuncs.com/a.jpeg",
    "https://-bucket.oss-cn-shanghai.aliyuncs.com/a.jpeg",
    "https://my_bucket.oss-cn-shanghai.aliyuncs.com/a.jpeg",
    "https://BUCKET.OSS-CN-SHANGHAI.ALIYUNCS.COM/a.jpeg",
    "https://x.bucket.oss-cn-shanghai.aliyuncs.com/a.jpeg",
    "https://bucket.oss-cn-shanghai.x.aliyuncs.com/a.jpeg",
    "https://bucket.xoss-cn-shanghai.aliyuncs.com/a.jpeg",
    "https://bucket.vpc100-oss-cn-shanghai.aliyuncs.com/a.jpeg",
    "https://ecs.aliyuncs.com/a.jpeg",
    "https://cloudauth.cn-shanghai.aliyuncs.com/a.jpeg",
    "https://bucket.oss-cn-shanghai.aliyuncs.com%2eevil.example/a.jpeg",
    "https://bucket%2eoss-cn-shanghai.aliyuncs.com/a.jpeg",
    "https://b\u{fc}cket.oss-cn-shanghai.aliyuncs.com/a.jpeg",
    "https://bucket.oss-cn-shanghai.aliyuncs\u{3002}com/a.jpeg",
    "https://bucket.oss-cn-shanghai.aliyuncs.com/a.jpeg\r\nHost: evil.example",
    "https://bucket.oss-cn-shanghai.aliyuncs.com/a b.jpeg",
    " https://bucket.oss-cn-shanghai.aliyuncs.com/a.jpeg",
    "//bucket.oss-cn-shanghai.aliyuncs.com/a.jpeg",
    "ftp://bucket.oss-cn-shanghai.aliyuncs.com/a.jpeg",
    "file:///etc/passwd",
    "gopher://bucket.oss-cn-shanghai.aliyuncs.com/_x",
    "data:image/png;base64,iVBORw0KGgo=",
    "a.jpeg",
];

#[tokio::test]
async fn rejects_every_other_address_before_sending() {
    let (recording, pictures) = over([]);
    for url in ELSEWHERE {
        let error = fetch(&pictures, url).await.unwrap_err();
        assert!(error.is_address_rejected(), "{url}: {error}");
        assert!(!error.to_string().contains("evil") && !format!("{error:?}").contains("evil"), "{error:?}");
    }
    assert!(recording.take_requests().is_empty());
}
