//! Payloads of method frames, tables and properties: read or refused, and written as they are read.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| ch6_indirect_fuzz::amqp_methods(bytes));
