//! HTML responses and asset files, with their security headers.

use axum::body::Body;
use axum::extract::Path;
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderValue, Response, StatusCode};

/// Returns an HTML response whose policy allows only scripts and styles of the emulator. `forms_to` is an additional
/// target of forms, and `frames` lists the pages that may embed it.
pub(crate) fn html(status: StatusCode, html: String, forms_to: &str, frames: &str) -> Response<Body> {
    let policy = format!(
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; media-src 'self' blob:; connect-src \
         'self'; base-uri 'none'; form-action 'self' {forms_to}; frame-ancestors {frames}"
    );
    let mut response = file(status, "text/html;charset=utf-8", html);
    if let Ok(policy) = HeaderValue::from_str(&policy) {
        response.headers_mut().insert(CONTENT_SECURITY_POLICY, policy);
    }
    response
}

fn file(status: StatusCode, kind: &'static str, body: impl Into<Body>) -> Response<Body> {
    let mut response = Response::new(body.into());
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

/// Handles `/_emu/assets/{file}`.
pub(crate) async fn asset(Path(name): Path<String>) -> Response<Body> {
    let (css, script) = ("text/css;charset=utf-8", "text/javascript;charset=utf-8");
    let (kind, text) = match name.as_str() {
        "base.css" => (css, include_str!("../../web/base.css")),
        "h5.css" => (css, include_str!("../../web/h5.css")),
        "h5.js" => (script, include_str!("../../web/h5.js")),
        "ui.css" => (css, include_str!("../../web/ui.css")),
        "ui.js" => (script, include_str!("../../web/ui.js")),
        "ui-draw.js" => (script, include_str!("../../web/ui-draw.js")),
        "ui-kit.js" => (script, include_str!("../../web/ui-kit.js")),
        "ui-why.js" => (script, include_str!("../../web/ui-why.js")),
        "icon.svg" => ("image/svg+xml", include_str!("../../web/icon.svg")),
        _ => return file(StatusCode::NOT_FOUND, "text/plain", "no such file"),
    };
    file(StatusCode::OK, kind, text)
}

/// Returns the replacement for the vendor's script: `window.getMetaInfo()`.
pub(crate) async fn meta_info_script() -> Response<Body> {
    file(StatusCode::OK, "text/javascript;charset=utf-8", include_str!("../../web/jsvm_all.js"))
}
