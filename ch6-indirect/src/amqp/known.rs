//! Which methods there are, and where the table among their arguments is.
//!
//! `amq-protocol` answers an unknown method and unreadable arguments alike. A broker says which of the two it was, and no unknown
//! number may end more than the connection that it came on.

/// Where a table stands among a method's arguments.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TablePlace {
    /// Bytes of fixed length before everything else.
    pub fixed: usize,
    /// Short strings behind them.
    pub strings: usize,
    /// Bytes of bits behind those.
    pub bits: usize,
}

/// What is known of a method.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Arguments {
    /// There is no such class.
    UnknownClass,
    /// The class has no such method.
    UnknownMethod,
    /// It is known; where its table is, if it has one.
    Known(Option<TablePlace>),
}

/// What is known of the method with these numbers.
#[must_use]
pub fn arguments(class: u16, method: u16) -> Arguments {
    let at = |fixed, strings, bits| Arguments::Known(Some(TablePlace { fixed, strings, bits }));
    match (class, method) {
        (10, 10) => at(2, 0, 0),
        (10, 11) => at(0, 0, 0),
        (10, 20 | 21 | 30 | 31 | 40 | 41 | 50 | 51 | 60 | 61 | 70 | 71) => Arguments::Known(None),
        (20, 10 | 11 | 20 | 21 | 40 | 41) => Arguments::Known(None),
        (30, 10 | 11) => Arguments::Known(None),
        (40, 10) => at(2, 2, 1),
        (40, 30 | 40) => at(2, 3, 1),
        (40, 11 | 20 | 21 | 31 | 51) => Arguments::Known(None),
        (50, 10) => at(2, 1, 1),
        (50, 20) => at(2, 3, 1),
        (50, 50) => at(2, 3, 0),
        (50, 11 | 21 | 30 | 31 | 40 | 41 | 51) => Arguments::Known(None),
        (60, 20) => at(2, 2, 1),
        (60, 10 | 11 | 21 | 30 | 31 | 40 | 50 | 60 | 70 | 71 | 72 | 80 | 90 | 100 | 110 | 111 | 120) => {
            Arguments::Known(None)
        }
        (85 | 90, 10 | 11) | (90, 20 | 21 | 30 | 31) => Arguments::Known(None),
        (10 | 20 | 30 | 40 | 50 | 60 | 85 | 90, _) => Arguments::UnknownMethod,
        _ => Arguments::UnknownClass,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use amq_protocol::protocol::parse_class;

    /// With arguments of zeros every method of `amq-protocol` can be read: so the two lists are compared.
    #[test]
    fn every_method_of_the_crate_is_known_and_no_other() {
        for class in 0..=110u16 {
            for method in 0..=130u16 {
                let mut payload = [0; 64];
                payload[..2].copy_from_slice(&class.to_be_bytes());
                payload[2..4].copy_from_slice(&method.to_be_bytes());
                let is_known = matches!(arguments(class, method), Arguments::Known(_));
                assert_eq!(is_known, parse_class(&payload[..]).is_ok(), "{class}, {method}");
            }
        }
    }
}
