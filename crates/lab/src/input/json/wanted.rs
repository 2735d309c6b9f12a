//! The wanted members of a line: a tree of their names.

use cloudauth_protocol::grammar::{LARGEST_MATERIAL, LARGEST_REPLY};

/// The wanted members: a tree of their names. A slot is the number of a value. The members that a response may not have twice
/// are in it too, without a slot.
#[derive(Debug)]
pub(crate) struct Wanted {
    /// The first node is the line itself.
    pub(super) nodes: Vec<Node>,
    pub(super) slots: usize,
}

#[derive(Debug)]
pub(super) struct Node {
    name: Box<[u8]>,
    /// Another name of the same member.
    alias: &'static str,
    pub(super) slots: Vec<usize>,
    pub(super) children: Vec<usize>,
    /// One bit for each length of a child's name.
    lengths: u64,
    pub(super) holds: Holds,
    /// The largest document, in bytes.
    pub(super) longest: usize,
}

/// How a member holds its own members.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Holds {
    /// As an object, or as a string that holds one.
    Either,
    Object,
    /// As a string that holds an object.
    Text,
}

impl Node {
    fn new(name: &[u8]) -> Self {
        Self {
            name: name.into(),
            alias: "",
            slots: Vec::new(),
            children: Vec::new(),
            lengths: 0,
            holds: Holds::Either,
            longest: usize::MAX,
        }
    }
}

/// The members of a response that the client reads, each with the other spelling that it accepts. A response with one of them
/// twice is refused.
const ENVELOPE: [(&str, &str); 4] =
    [("Code", "code"), ("Message", "message"), ("RequestId", "requestId"), ("ResultObject", "resultObject")];

/// Returns the members that only a response has, in each spelling. `code` is also an input of flat lines.
pub(crate) fn only_in_responses() -> impl Iterator<Item = &'static str> {
    let spellings = ENVELOPE.iter().flat_map(|(name, alias)| [*name, *alias]);
    spellings.filter(|name| !matches!(*name, "code" | "Message" | "message"))
}

const RESULT: [&str; 9] = [
    "Passed",
    "SubCode",
    "MaterialInfo",
    "IdentityInfo",
    "DeviceToken",
    "DeviceRisk",
    "Success",
    "UserInfo",
    "DegradeInfo",
];
const MATERIAL: [&str; 4] = ["faceAttack", "faceOcclusion", "guardRiskScore", "facialPictureFront"];
const PICTURE: [&str; 12] = [
    "verifyScore",
    "faceAttackScore",
    "qualityScore",
    "idCardVerifyScore",
    "qualityBackground",
    "qualityBlur",
    "qualityIllu",
    "qualityOccu",
    "qualityWearHat",
    "ossBucketName",
    "ossObjectName",
    "pictureUrl",
];

/// Returns the bit of a name's length. All long names share the last bit.
fn length(name: &[u8]) -> u64 {
    1 << name.len().min(63)
}

impl Wanted {
    /// Creates the tree. A path is names separated by dots, and its position in the list is its slot. An empty path matches
    /// nothing.
    pub(crate) fn new<'p>(paths: impl IntoIterator<Item = &'p str>) -> Self {
        let mut wanted = Self { nodes: vec![Node::new(b"")], slots: 0 };
        for path in paths {
            let at = wanted.place(path);
            if let Some(node) = wanted.nodes.get_mut(at).filter(|_| !path.is_empty()) {
                node.slots.push(wanted.slots);
            }
            wanted.slots += 1;
        }
        wanted
    }

    /// Reads the response at a path as the client does: the same members may not appear twice, `MaterialInfo` is a string that
    /// holds an object, and both have the same limits. An empty path is the line itself.
    pub(crate) fn with_reply(mut self, path: &str) -> Self {
        let reply = self.place(path);
        self.limit(reply, Holds::Either, LARGEST_REPLY);
        for (name, alias) in ENVELOPE {
            let member = self.child(reply, name.as_bytes());
            if let Some(node) = self.nodes.get_mut(member) {
                node.alias = alias;
            }
        }
        let result = self.children(reply, "ResultObject", &RESULT);
        self.limit(result, Holds::Object, usize::MAX);
        let material = self.children(result, "MaterialInfo", &MATERIAL);
        self.limit(material, Holds::Text, LARGEST_MATERIAL);
        let picture = self.children(material, "facialPictureFront", &PICTURE);
        self.limit(picture, Holds::Object, usize::MAX);
        self
    }

    /// Adds members of the member `name`, which it returns.
    fn children(&mut self, of: usize, name: &str, names: &[&str]) -> usize {
        let member = self.child(of, name.as_bytes());
        for name in names {
            self.child(member, name.as_bytes());
        }
        member
    }

    fn limit(&mut self, node: usize, holds: Holds, longest: usize) {
        if let Some(node) = self.nodes.get_mut(node) {
            (node.holds, node.longest) = (holds, longest);
        }
    }

    /// Returns the node of a path, which it creates if necessary.
    fn place(&mut self, path: &str) -> usize {
        path.split('.').fold(0, |at, name| self.child(at, name.as_bytes()))
    }

    fn child(&mut self, of: usize, name: &[u8]) -> usize {
        if name.is_empty() {
            return of;
        }
        if let Some(found) = self.find(of, name) {
            return found;
        }
        let new = self.nodes.len();
        self.nodes.push(Node::new(name));
        if let Some(node) = self.nodes.get_mut(of) {
            node.children.push(new);
            node.lengths |= length(name);
        }
        new
    }

    pub(super) fn find(&self, of: usize, name: &[u8]) -> Option<usize> {
        let Node { children, lengths, .. } = self.nodes.get(of)?;
        if lengths & length(name) == 0 {
            return None;
        }
        let is_it = |node: &Node| *node.name == *name || node.alias.as_bytes() == name;
        children.iter().copied().find(|child| self.nodes.get(*child).is_some_and(is_it))
    }

    /// Returns the largest size of a line in which nothing can exceed its own limit.
    pub(super) fn smallest_limit(&self) -> usize {
        self.nodes.iter().map(|node| node.longest).min().unwrap_or(usize::MAX)
    }

    /// Visits all nodes below a node.
    pub(super) fn below(&self, node: usize, visit: &mut impl FnMut(usize, &Node)) {
        let children = self.nodes.get(node).into_iter().flat_map(|node| &node.children);
        for child in children {
            if let Some(node) = self.nodes.get(*child) {
                visit(*child, node);
            }
            self.below(*child, visit);
        }
    }
}
