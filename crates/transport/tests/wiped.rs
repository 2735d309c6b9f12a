//! Searches the memory of this process for the body of a response that was read and dropped. A separate test binary with one
//! test, because a second test would put the same text into the same memory.

#![cfg(test)]
#![cfg(target_os = "linux")]

use std::fs::{File, read_to_string};
use std::os::unix::fs::FileExt;

use cloudauth_transport::{BodyBuffer, Limits};
use http::HeaderMap;

/// A text in disguise, so that the test's own copy is not found.
const MASKED: [u8; 16] = *b"\x0d\x0e\x2b\x1a\x09\x3f\x01\x28\x17\x16\x03\x3a\x2d\x04\x1f\x0a";
const MASK: u8 = 0xa5;

/// The number of copies of the text in the memory that this process can write.
fn found() -> usize {
    let memory = File::open("/proc/self/mem").unwrap();
    let mut buffer = vec![0; 1 << 20];
    let mut found = 0;
    for line in read_to_string("/proc/self/maps").unwrap().lines() {
        let (range, rest) = line.split_once(' ').unwrap();
        let (start, end) = range.split_once('-').unwrap();
        let (mut at, end) = (u64::from_str_radix(start, 16).unwrap(), u64::from_str_radix(end, 16).unwrap());
        while rest.starts_with("rw") && at < end {
            let len = buffer.len().min(usize::try_from(end - at).unwrap());
            // A part of a stack that was never touched cannot be read.
            let Ok(len @ 1..) = memory.read_at(&mut buffer[..len], at) else { break };
            let is_text =
                |window: &&[u8]| window.iter().zip(MASKED).all(|(byte, masked)| *byte == masked ^ MASK);
            found += buffer[..len].windows(MASKED.len()).filter(is_text).count();
            buffer[..len].fill(0);
            at += if len > MASKED.len() { len - MASKED.len() } else { len } as u64;
        }
    }
    found
}

#[test]
fn no_part_of_a_body_stays_in_memory_after_it_is_dropped() {
    assert_eq!(found(), 0, "before anything is planted");
    for is_complete in [true, false] {
        let mut buffer = BodyBuffer::new(&HeaderMap::new(), &Limits::DEFAULT.with_body(100_000));
        let mut chunk = [b'.'; 900];
        chunk.iter_mut().zip(MASKED).for_each(|(to, masked)| *to = masked ^ MASK);
        (0..100).for_each(|_| buffer.push(&chunk).unwrap());
        std::hint::black_box(&mut chunk).fill(0);
        assert!(found() >= 100);
        if is_complete {
            let body = buffer.finish();
            assert_eq!(body.len(), 90_000);
            drop(body);
        } else {
            // As after an error.
            drop(buffer);
        }
        assert_eq!(found(), 0, "complete: {is_complete}");
    }
}
