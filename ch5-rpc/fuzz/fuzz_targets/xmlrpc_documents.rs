//! Documents of XML-RPC, calls and answers.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| ch5_rpc_fuzz::xmlrpc_documents(bytes));
