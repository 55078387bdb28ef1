//! The PDUs of the original block protocol.

use ch2_sockets::session::{is_stateless, pdu};

/// A PDU of the original block protocol, from either side.
pub fn session_pdus(bytes: &[u8]) {
    if let Some(request) = pdu::RequestPdu::parse(bytes) {
        assert!(!is_stateless(bytes), "the port carries both protocols");
        let mut out = Vec::new();
        request.encode(&mut out);
        assert_eq!(pdu::RequestPdu::parse(&out), Some(request));
        if let pdu::RequestPdu::Block { data, .. } = request {
            // Five are split off, whatever the data looks like.
            assert_eq!(bytes.splitn(6, |byte| *byte == b'?').last(), Some(data));
        }
    }
    if let Some(response) = pdu::ResponsePdu::parse(bytes) {
        let mut out = Vec::new();
        response.encode(&mut out);
        assert_eq!(pdu::ResponsePdu::parse(&out), Some(response));
    }
}
