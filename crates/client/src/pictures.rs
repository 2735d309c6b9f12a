//! Fetching the face picture of a finished verification. Nothing else in this project ever does.
//!
//! A picture's address comes out of an answer, and whoever can write one must not be able to make your server ask its own
//! neighbours. Two ways, the first of which involves no address at all:
//!
//! ```no_run
//! # use cloudauth_client::pictures::{PictureError, Pictures};
//! # use cloudauth_protocol::{Credentials, FacialPicture, sign::oss::OssObject};
//! # use cloudauth_transport::{PublicOnly, Transport};
//! # async fn example<T: Transport + 'static>(transport: PublicOnly<T>, face: FacialPicture<'_>, by: Credentials)
//! #     -> Result<(), Box<dyn std::error::Error>> {
//! let pictures = Pictures::new(transport); // ReqwestTransport::public_only()?
//! // With credentials that may read your bucket (`oss:GetObject` on `<bucket>/verify/*`):
//! if let (Some(bucket), Some(object)) = (&face.oss_bucket_name, &face.oss_object_name) {
//!     let picture = pictures.of(&OssObject::new(bucket, object, "cn-shanghai")?, &by).await?;
//! }
//! // Or by the address in the answer, within 15 minutes:
//! if let Some(url) = &face.picture_url {
//!     let picture = pictures.at(url).await?;
//! }
//! # Ok(()) }
//! ```
//!
//! | what | how |
//! | --- | --- |
//! | where | `<bucket>.oss-<region>.aliyuncs.com`, no other host, no address, no user, port 443 alone; not the internal endpoints |
//! | how | `https` whatever the answer says (the scheme is not signed), no redirect, no proxy |
//! | what a name leads to | public addresses alone, looked at inside the resolver ([`PublicOnly`]) |
//! | what comes back | HTTP 200, 5 MiB at most, and the first bytes of a JPEG or PNG |
//!
//! The host's pattern is inferred from the vendor's samples and its list of OSS endpoints.

use std::fmt;
use std::sync::Arc;
use std::time::SystemTime;

use cloudauth_protocol::sign::oss::{self, OssObject, OssSigning};
use cloudauth_protocol::{Body, Credentials, PictureUrl, UnixTime};
use cloudauth_transport::{Limits, PublicOnly, Transport, TransportError};
use http::uri::{PathAndQuery, Scheme};
use http::{Request, Response, StatusCode, Uri};

/// Bytes of a picture.
const LARGEST: usize = 5 << 20;
const LIMITS: Limits = Limits::DEFAULT.with_body(LARGEST);

/// Fetches pictures. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Pictures(Arc<dyn Transport>);

impl Pictures {
    /// Over a transport that reaches public addresses alone.
    pub fn new(transport: PublicOnly<impl Transport + 'static>) -> Self {
        Self(Arc::new(transport))
    }

    /// The picture at the address that an answer holds. The address lives 15 minutes; ask `DescribeFaceVerify` again for a
    /// new one.
    ///
    /// # Errors
    /// If the address is none of a picture in OSS, then nothing is sent; or if no picture came.
    pub async fn at(&self, url: &PictureUrl<'_>) -> Result<Picture, PictureError> {
        let request = Request::get(checked(url.expose())?).body(Body::empty());
        self.fetch(request.map_err(|_| refused("it cannot be requested"))?).await
    }

    /// The picture `object`, read with credentials of your own (signature V4).
    ///
    /// # Errors
    /// If no picture came.
    pub async fn of(&self, object: &OssObject, by: &Credentials) -> Result<Picture, PictureError> {
        let now = UnixTime::from(SystemTime::now());
        let signed = oss::get(object, by, OssSigning::V4, now);
        self.fetch(signed.map_err(|_| refused("it cannot be requested"))?.output).await
    }

    async fn fetch(&self, request: Request<Body>) -> Result<Picture, PictureError> {
        let response = self.0.send(request, &LIMITS).await;
        Picture::read(response.map_err(|error| PictureError(Problem::Transport(error)))?)
    }
}

/// The kind of a picture, by its first bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PictureKind {
    /// JPEG.
    Jpeg,
    /// PNG.
    Png,
}

/// Somebody's face. `Debug` shows kind and length.
#[derive(Clone, PartialEq, Eq)]
pub struct Picture {
    kind: PictureKind,
    body: Body,
}

impl Picture {
    fn read(response: Response<Body>) -> Result<Self, PictureError> {
        if response.status() != StatusCode::OK {
            return Err(PictureError(Problem::Status(response.status())));
        }
        let body = response.into_body();
        let kind = match body.as_bytes() {
            _ if body.len() > LARGEST => None,
            [0xff, 0xd8, 0xff, ..] => Some(PictureKind::Jpeg),
            [0x89, b'P', b'N', b'G', b'\r', b'\n', 0x1a, b'\n', ..] => Some(PictureKind::Png),
            _ => None,
        };
        kind.map(|kind| Self { kind, body }).ok_or(PictureError(Problem::NotAPicture))
    }

    /// Whether it is a JPEG or a PNG.
    #[must_use]
    pub const fn kind(&self) -> PictureKind {
        self.kind
    }

    /// The bytes themselves. No more of them was looked at than the first eight: decode them with care.
    #[must_use]
    pub fn expose(&self) -> &[u8] {
        self.body.as_bytes()
    }
}

impl fmt::Debug for Picture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Picture({:?}, {} bytes)", self.kind, self.body.len())
    }
}

/// The address as it is asked: `https`, a bucket's host, and path and query as they came.
fn checked(url: &str) -> Result<Uri, PictureError> {
    // What parsers read differently is read by none.
    if !url.bytes().all(|b| b.is_ascii_graphic() && b != b'\\' && b != b'#') {
        return Err(refused("it holds characters that none does"));
    }
    let uri: Uri = url.parse().map_err(|_| refused("it is no URL"))?;
    let default_port = match uri.scheme_str() {
        Some("https") => 443,
        Some("http") => 80,
        _ => return Err(refused("it is neither http nor https")),
    };
    let authority = uri.authority().map(|authority| authority.as_str()).unwrap_or_default();
    let host = uri.host().unwrap_or_default();
    if authority.contains('@') {
        return Err(refused("it names a user"));
    }
    // The port is written in no more ways than one.
    if authority != host && authority != format!("{host}:{default_port}") {
        return Err(refused("its port is not the usual one"));
    }
    if !is_bucket(host) {
        return Err(refused("its host is none of a bucket in OSS"));
    }
    let path = uri.path_and_query().filter(|path| path.path().len() > 1);
    let path: PathAndQuery = path.cloned().ok_or_else(|| refused("it names no object"))?;
    let built = Uri::builder().scheme(Scheme::HTTPS).authority(host).path_and_query(path).build();
    built.map_err(|_| refused("it is no URL"))
}

/// `<bucket>.oss-<region>.aliyuncs.com`, reached from outside.
fn is_bucket(host: &str) -> bool {
    let is_label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    let mut labels = host.split('.');
    let (bucket, endpoint) = (labels.next().unwrap_or_default(), labels.next().unwrap_or_default());
    let region = endpoint.strip_prefix("oss-").unwrap_or_default();
    labels.eq(["aliyuncs", "com"])
        && is_label(bucket)
        && bucket.len() >= 3
        && is_label(region)
        && !region.ends_with("internal")
}

fn refused(why: &'static str) -> PictureError {
    PictureError(Problem::Address(why))
}

/// No picture. It does not show the address.
#[derive(Debug)]
pub struct PictureError(Problem);

#[derive(Debug)]
enum Problem {
    Address(&'static str),
    Transport(TransportError),
    Status(StatusCode),
    NotAPicture,
}

impl PictureError {
    /// Whether the address was refused, and nothing sent.
    #[must_use]
    pub const fn is_refused(&self) -> bool {
        matches!(self.0, Problem::Address(_))
    }

    /// The HTTP status, if it was not 200. 403: the address is too old, or the credentials may not read it; 404: the
    /// object was deleted.
    #[must_use]
    pub fn status(&self) -> Option<StatusCode> {
        match self.0 {
            Problem::Status(status) => Some(status),
            _ => None,
        }
    }
}

impl fmt::Display for PictureError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Problem::Address(why) => write!(f, "the picture's address is refused: {why}"),
            Problem::Transport(_) => f.write_str("the picture did not come"),
            Problem::Status(status) => write!(f, "the picture was refused with HTTP {}", status.as_u16()),
            Problem::NotAPicture => f.write_str("what came is no JPEG and no PNG"),
        }
    }
}

impl std::error::Error for PictureError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match &self.0 {
            Problem::Transport(error) => Some(error),
            _ => None,
        }
    }
}
