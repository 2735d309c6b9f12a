//! The parameters of an operation.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::fmt;

use zeroize::Zeroizing;

use crate::redact::printable;
use crate::wire::encode::KnownName;

/// Where the vendor's SDKs put a parameter under V3. V1 treats both locations alike. Exhaustive: a
/// request has no other place for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ParamLocation {
    /// The query of the URL.
    Query,
    /// The form body.
    Body,
}

/// The name of a parameter, with precomputed data for sorting and encoding. [`name!`] builds the names of this crate's own
/// operations at compile time.
#[derive(Clone, Copy)]
pub(crate) struct Name<'a> {
    pub(crate) text: &'a str,
    /// The first eight bytes, which decide most comparisons.
    head: u64,
    /// The name as a block, if it needs no encoding.
    pub(crate) known: Option<&'static KnownName>,
}

impl<'a> Name<'a> {
    pub(crate) const fn new(text: &'a str) -> Self {
        let (mut head, mut shift) = (0, 64);
        let mut rest = text.as_bytes();
        while let [byte, tail @ ..] = rest
            && shift > 0
        {
            shift -= 8;
            head |= (*byte as u64) << shift;
            rest = tail;
        }
        Self { text, head, known: None }
    }

    /// For [`name!`] only.
    pub(crate) const fn known(text: &'a str, known: &'static KnownName) -> Self {
        Self { known: Some(known), ..Self::new(text) }
    }
}

impl PartialEq for Name<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for Name<'_> {}

impl Ord for Name<'_> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.head.cmp(&other.head).then_with(|| self.text.cmp(other.text))
    }
}

impl PartialOrd for Name<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

macro_rules! name {
    ($text:literal) => {
        const {
            static KNOWN: $crate::wire::encode::KnownName = $crate::wire::encode::KnownName::new($text);
            $crate::wire::params::Name::known($text, &KNOWN)
        }
    };
}

pub(crate) use name;

#[derive(Clone)]
pub(crate) struct Param<'a> {
    pub(crate) name: Name<'a>,
    pub(crate) value: Cow<'a, str>,
    pub(crate) location: ParamLocation,
    pub(crate) personal: bool,
}

/// Extra parameters of the caller, all treated as personal data. `Debug` shows only the names, and hides one that may be a value
/// in the wrong place.
#[derive(Clone, Default)]
pub(crate) struct ExtraParams(Vec<(ParamLocation, Box<str>, Zeroizing<Box<str>>)>);

impl ExtraParams {
    pub(crate) fn push(&mut self, location: ParamLocation, name: &str, value: &str) {
        self.0.push((location, name.into(), Zeroizing::new(value.into())));
    }

    /// Returns whether one of these parameters is set, in upper or lower case.
    pub(crate) fn has(&self, names: &[&str]) -> bool {
        self.0.iter().any(|(_, set, _)| names.iter().any(|name| name.eq_ignore_ascii_case(set)))
    }

    pub(crate) fn params<'a>(&'a self, params: &mut Params<'a>) {
        for (location, name, value) in &self.0 {
            params.push_personal(name, *location, &***value);
        }
    }
}

impl fmt::Debug for ExtraParams {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.iter().map(|(_, name, _)| printable(name))).finish()
    }
}

/// The parameter list that [`Operation::params`](crate::Operation::params) fills. Names may be added in any order: signing
/// sorts them, which costs nothing if they are sorted already. A repeated name is an error of [`prepare`](crate::prepare).
/// `Debug` shows only the names.
pub struct Params<'a>(pub(crate) Vec<Param<'a>>);

impl<'a> Params<'a> {
    /// An empty list.
    #[must_use]
    pub fn new() -> Self {
        Self(Vec::with_capacity(32))
    }

    /// Adds a parameter that may appear in a log.
    pub fn push(&mut self, name: &'a str, location: ParamLocation, value: impl Into<Cow<'a, str>>) {
        self.push_known(Name::new(name), location, value);
    }

    /// Adds a parameter that holds personal data or a secret: [`explain`](crate::explain) does not show it.
    /// Pass a reference where you can: an owned value is not wiped.
    pub fn push_personal(&mut self, name: &'a str, location: ParamLocation, value: impl Into<Cow<'a, str>>) {
        self.push_known_personal(Name::new(name), location, value);
    }

    pub(crate) fn push_known(
        &mut self,
        name: Name<'a>,
        location: ParamLocation,
        value: impl Into<Cow<'a, str>>,
    ) {
        self.0.push(Param { name, value: value.into(), location, personal: false });
    }

    pub(crate) fn push_known_personal(
        &mut self,
        name: Name<'a>,
        location: ParamLocation,
        value: impl Into<Cow<'a, str>>,
    ) {
        self.0.push(Param { name, value: value.into(), location, personal: true });
    }

    pub(crate) fn push_known_opt(&mut self, name: Name<'a>, location: ParamLocation, value: Option<&'a str>) {
        if let Some(value) = value {
            self.push_known(name, location, value);
        }
    }

    pub(crate) fn push_known_personal_opt(
        &mut self,
        name: Name<'a>,
        location: ParamLocation,
        value: Option<&'a str>,
    ) {
        if let Some(value) = value {
            self.push_known_personal(name, location, value);
        }
    }

    /// The names, in insertion order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|param| param.name.text)
    }
}

impl Default for Params<'_> {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Params<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.names().map(printable)).finish()
    }
}
