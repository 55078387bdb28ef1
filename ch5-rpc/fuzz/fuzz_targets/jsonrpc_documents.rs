//! Documents of JSON-RPC, requests and batches.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| ch5_rpc_fuzz::jsonrpc_documents(bytes));
