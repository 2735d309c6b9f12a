//! Signing: what is sent decodes to what was given, and nothing of it is printed.

use std::collections::BTreeMap;

use cloudauth_protocol::{
    Credentials, Effect, Endpoint, Nonce, ParamLocation, RawOperation, Signing, Stamp, UnixTime, explain,
    prepare,
};

use crate::reach::reached;
use crate::secrets::is_telling;

/// Lines of `name=value`: the first byte of a name may be `>` for a parameter in the body.
pub(super) fn signing(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let (action, rest) = text.split_once('\n').unwrap_or((text, ""));
    let Ok(mut op) = RawOperation::new(action, Effect::Read) else { return };
    let mut given = BTreeMap::new();
    for line in rest.split('\n') {
        let Some((name, value)) = line.split_once('=') else { continue };
        let (name, location) = match name.strip_prefix('>') {
            Some(name) => (name, ParamLocation::Body),
            None => (name, ParamLocation::Query),
        };
        op = op.param(location, name, value);
        given.insert(name, value);
    }
    let by = Credentials::temporary("testid", "testsecret", "testtoken").unwrap();
    let stamp = || Stamp::new(UnixTime::from_secs(1_767_323_045), Nonce::from_entropy([7; 16]));
    for how in [Signing::V1, Signing::V1Get, Signing::V3, Signing::V3Get, Signing::V3Body] {
        let explained = explain(&op, &Endpoint::cn_shanghai(), &by, how, stamp());
        let prepared = prepare(&op, &Endpoint::cn_shanghai(), &by, how, stamp());
        assert_eq!(explained.is_ok(), prepared.is_ok());
        let shown = format!("{explained:?} {prepared:?}");
        // A value may be a part of a name, and names are shown. Each value is looked for in all of what is shown: some are enough.
        for value in given.values().filter(|value| is_telling(value)).take(10) {
            let is_name = || given.keys().any(|name| name.contains(value)) || action.contains(value);
            assert!(!shown.contains(value) || is_name(), "a value of {} bytes is shown", value.len());
        }
        let (Ok(explained), Ok(prepared)) = (explained, prepared) else { continue };
        let (explained, request) = (explained.into_request().into_http(), prepared.into_http());
        assert_eq!(explained.uri(), request.uri());
        assert_eq!(explained.body().as_bytes(), request.body().as_bytes());
        let query = request.uri().query().unwrap_or_default();
        let pairs = form_urlencoded::parse(query.as_bytes());
        let sent: BTreeMap<_, _> = pairs.chain(form_urlencoded::parse(request.body().as_bytes())).collect();
        reached("a signed request");
        if given.values().any(|value| is_telling(value)) {
            reached("a request with a person");
        }
        for (name, value) in &given {
            assert_eq!(sent.get(*name).map(AsRef::as_ref), Some(*value), "a parameter is not as given");
        }
    }
}
