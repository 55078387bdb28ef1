//! Numbered texts over multicast, and the numbers of one sender.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| ch2_sockets_fuzz::numbering(bytes));
