//! From an output of the broker to the frames for its client: a message is written straight from where it is.

use common::core::service::PeerId;

use super::client::Client;
use super::unsent::Written;
use crate::amqp::frame::{self, Delivery};
use crate::amqp::headers::with_header;
use crate::broker::{Message, Output};

/// Writes a method or a message for a client.
pub fn send(client: &mut Client, output: Output) -> Written {
    match output {
        Output::Method { channel, method, .. } => client.method(channel, &method),
        Output::Deliver {
            channel,
            consumer_tag,
            delivery_tag,
            redelivered,
            delivery_count,
            stream_offset,
            message,
            ..
        } => {
            let delivery = Delivery::Deliver { consumer_tag: &consumer_tag, delivery_tag, redelivered };
            let header = match (delivery_count, stream_offset) {
                (Some(count), _) => Some(("x-delivery-count", i64::from(count))),
                (None, Some(offset)) => Some(("x-stream-offset", offset.cast_signed())),
                (None, None) => None,
            };
            message_for(client, channel, delivery, header, &message)
        }
        Output::GetOk {
            channel, delivery_tag, redelivered, delivery_count, message_count, message, ..
        } => {
            let delivery = Delivery::GetOk { delivery_tag, redelivered, message_count };
            let header = delivery_count.map(|count| ("x-delivery-count", i64::from(count)));
            message_for(client, channel, delivery, header, &message)
        }
        Output::Return { channel, message, .. } => {
            message_for(client, channel, Delivery::Return, None, &message)
        }
        Output::Exception { .. } | Output::Blocked { .. } | Output::Append(..) | Output::Define(_) => {
            unreachable!("these are done elsewhere")
        }
    }
}

fn message_for(
    client: &mut Client,
    channel: u16,
    delivery: Delivery<'_>,
    header: Option<(&str, i64)>,
    message: &Message,
) -> Written {
    let frame_max = client.frame_max;
    client.write(|frames| {
        let content = &message.content;
        let buffer = frame::Sink::buffer(frames);
        frame::write_delivery(buffer, channel, delivery, &message.exchange, &message.routing_key);
        match header {
            None => frame::write_content(frames, channel, content.properties(), content, frame_max),
            Some((name, value)) => {
                let properties = with_header(content.properties(), name, value);
                frame::write_content(frames, channel, &properties, content, frame_max);
            }
        }
        frames.count(2 + content.body().len().div_ceil(frame_max - frame::OVERHEAD) as u64);
    })
}

/// The connection that an output is for.
pub fn receiver(output: &Output) -> Option<PeerId> {
    match output {
        Output::Method { connection, .. }
        | Output::Deliver { connection, .. }
        | Output::GetOk { connection, .. }
        | Output::Return { connection, .. }
        | Output::Exception { connection, .. }
        | Output::Blocked { connection, .. } => Some(*connection),
        Output::Append(..) | Output::Define(_) => None,
    }
}
