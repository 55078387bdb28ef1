//! What can be called, whatever the wire: values, faults, and the procedures with their signatures.
//!
//! | module | what it is |
//! |---|---|
//! | [`value`], [`date`] | what procedures take and give |
//! | [`fault`] | why there is no result |
//! | [`board`] | the message board, with the sources that callers name |
//! | [`method`], [`arguments`] | a procedure, and how it is found and called |
//! | [`methods`] | all of them: a dispatch table |

pub mod arguments;
pub mod board;
pub mod date;
pub mod fault;
pub mod method;
pub mod methods;
pub mod value;
