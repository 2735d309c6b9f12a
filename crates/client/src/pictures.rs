//! Downloads the face picture of a finished verification. No other part of this project downloads pictures.
//!
//! The picture's address comes from a response. A forged response must not make your server send requests into its own
//! network. There are two ways, and the first one does not use the address:
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
//!     let picture = pictures.by_object(&OssObject::new(bucket, object, "cn-shanghai")?, &by).await?;
//! }
//! // Or by the address in the response, within 15 minutes:
//! if let Some(url) = &face.picture_url {
//!     let picture = pictures.by_url(url).await?;
//! }
//! # Ok(()) }
//! ```
//!
//! | checked | allowed |
//! | --- | --- |
//! | host | `<bucket>.oss-<region>.aliyuncs.com` on port 443; no IP address, no user name, no internal endpoint |
//! | connection | `https`, even if the response says `http` (the scheme is not signed); no redirect, no proxy |
//! | resolved addresses | public ones only, checked inside the resolver ([`PublicOnly`]) |
//! | response | HTTP 200, at most 5 MiB, and the first bytes of a JPEG or PNG |
//!
//! The pattern of the host is inferred from the vendor's samples and its list of OSS endpoints.

use std::fmt;
use std::sync::Arc;
use std::time::SystemTime;

use cloudauth_protocol::sign::oss::{self, OssObject, OssSigning};
use cloudauth_protocol::{Body, Credentials, PictureUrl, UnixTime};
use cloudauth_transport::{Limits, PublicOnly, Transport, TransportError};
use http::uri::{PathAndQuery, Scheme};
use http::{Request, Response, StatusCode, Uri};

/// The largest picture, in bytes.
const LARGEST: usize = 5 << 20;
const LIMITS: Limits = Limits::DEFAULT.with_body(LARGEST);

/// Downloads pictures. It is cheap to clone.
#[derive(Clone, Debug)]
pub struct Pictures(Arc<dyn Transport>);

impl Pictures {
    /// Creates a downloader over a transport that connects only to public addresses.
    pub fn new(transport: PublicOnly<impl Transport + 'static>) -> Self {
        Self(Arc::new(transport))
    }

    /// Downloads the picture at the address in a response. The address expires after 15 minutes; `DescribeFaceVerify` returns
    /// a new one.
    ///
    /// # Errors
    /// If the address does not point to an OSS object (nothing is sent then), or if the download fails.
    pub async fn by_url(&self, url: &PictureUrl<'_>) -> Result<Picture, PictureError> {
        let request = Request::get(checked(url.expose())?).body(Body::empty());
        self.download(request.map_err(|_| rejected("the request cannot be built"))?).await
    }

    /// Downloads the picture in an object, with your own credentials (signature V4).
    ///
    /// # Errors
    /// If the download fails.
    pub async fn by_object(&self, object: &OssObject, by: &Credentials) -> Result<Picture, PictureError> {
        let now = UnixTime::from(SystemTime::now());
        let signed = oss::get(object, by, OssSigning::V4, now);
        self.download(signed.map_err(|_| rejected("the request cannot be built"))?.output).await
    }

    async fn download(&self, request: Request<Body>) -> Result<Picture, PictureError> {
        let response = self.0.send(request, &LIMITS).await;
        Picture::read(response.map_err(|error| PictureError(Problem::Transport(error)))?)
    }
}

/// The format of a picture, detected from its first bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PictureKind {
    /// JPEG.
    Jpeg,
    /// PNG.
    Png,
}

/// The picture of a person's face. `Debug` shows format and length only.
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
        kind.map(|kind| Self { kind, body }).ok_or(PictureError(Problem::UnknownFormat))
    }

    /// Returns the format.
    #[must_use]
    pub const fn kind(&self) -> PictureKind {
        self.kind
    }

    /// Returns the bytes. Only the first eight were checked: decode them with care.
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

/// Returns the URL to request: `https`, the host of a bucket, and the path and query unchanged.
fn checked(url: &str) -> Result<Uri, PictureError> {
    // URL parsers disagree about these characters.
    if !url.bytes().all(|b| b.is_ascii_graphic() && b != b'\\' && b != b'#') {
        return Err(rejected("it has invalid characters"));
    }
    let uri: Uri = url.parse().map_err(|_| rejected("it is not a valid URL"))?;
    let default_port = match uri.scheme_str() {
        Some("https") => 443,
        Some("http") => 80,
        _ => return Err(rejected("the scheme is neither http nor https")),
    };
    let authority = uri.authority().map(|authority| authority.as_str()).unwrap_or_default();
    let host = uri.host().unwrap_or_default();
    if authority.contains('@') {
        return Err(rejected("it has a user name"));
    }
    // The port must be absent, or spelled exactly like the default.
    if authority != host && authority != format!("{host}:{default_port}") {
        return Err(rejected("it has another port than the default"));
    }
    if !is_bucket(host) {
        return Err(rejected("the host is not that of an OSS bucket"));
    }
    let path = uri.path_and_query().filter(|path| path.path().len() > 1);
    let path: PathAndQuery = path.cloned().ok_or_else(|| rejected("it has no object name"))?;
    let built = Uri::builder().scheme(Scheme::HTTPS).authority(host).path_and_query(path).build();
    built.map_err(|_| rejected("it is not a valid URL"))
}

/// Returns whether a host is `<bucket>.oss-<region>.aliyuncs.com`, with a public endpoint.
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

fn rejected(reason: &'static str) -> PictureError {
    PictureError(Problem::Address(reason))
}

/// The error of a download. It does not show the address.
#[derive(Debug)]
pub struct PictureError(Problem);

#[derive(Debug)]
enum Problem {
    Address(&'static str),
    Transport(TransportError),
    Status(StatusCode),
    UnknownFormat,
}

impl PictureError {
    /// Returns whether the address was rejected. In that case, nothing was sent.
    #[must_use]
    pub const fn is_address_rejected(&self) -> bool {
        matches!(self.0, Problem::Address(_))
    }

    /// Returns the HTTP status, if it was not 200. 403 means that the address has expired, or that the credentials lack
    /// permission; 404 means that the object was deleted.
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
            Problem::Address(reason) => write!(f, "the picture's address was rejected: {reason}"),
            Problem::Transport(_) => f.write_str("cannot download the picture"),
            Problem::Status(status) => {
                write!(f, "cannot download the picture: HTTP {}", status.as_u16())
            }
            Problem::UnknownFormat => f.write_str("the picture is neither JPEG nor PNG"),
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
