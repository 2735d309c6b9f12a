//! The operations, one file each.

pub(crate) mod delete_face_verify_result;
pub(crate) mod describe_face_verify;
pub(crate) mod init_face_verify;
pub(crate) mod raw;
