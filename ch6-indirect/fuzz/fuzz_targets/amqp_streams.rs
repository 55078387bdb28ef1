//! A client's whole stream: however it is cut, the same commands come of it.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| ch6_indirect_fuzz::amqp_streams(bytes));
