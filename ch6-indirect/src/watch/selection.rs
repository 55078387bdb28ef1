//! What a list is asked for: `?columns=name,message_stats.publish&sort=messages&sort_reverse=true`.

use std::cmp::Ordering;

use common::protocol::http::RequestHead;
use serde_json::{Map, Value};

/// Sorted and reduced, as the query asks.
#[must_use]
pub fn select(head: &RequestHead, list: Value) -> Value {
    let columns = head.parameter("columns");
    let columns: Option<Vec<&str>> = columns.as_deref().map(|columns| columns.split(',').collect());
    let reduced = |item: Value| match &columns {
        Some(columns) => only(&item, columns),
        None => item,
    };
    let Value::Array(mut items) = list else { return reduced(list) };
    if let Some(key) = head.parameter("sort") {
        items.sort_by(|one, other| compare(at(one, &key), at(other, &key)));
    }
    if head.parameter("sort_reverse").as_deref() == Some("true") {
        items.reverse();
    }
    Value::Array(items.into_iter().map(reduced).collect())
}

/// The value at a path of names with dots between them.
fn at<'a>(item: &'a Value, path: &str) -> Option<&'a Value> {
    path.split('.').try_fold(item, |value, name| value.get(name))
}

fn only(item: &Value, columns: &[&str]) -> Value {
    let mut reduced = Value::Object(Map::new());
    for column in columns {
        let Some(value) = at(item, column) else { continue };
        let mut place = &mut reduced;
        for name in column.split('.') {
            place = &mut place[name];
        }
        *place = value.clone();
    }
    reduced
}

fn compare(one: Option<&Value>, other: Option<&Value>) -> Ordering {
    match (one, other) {
        (Some(Value::Number(one)), Some(Value::Number(other))) => {
            one.as_f64().unwrap_or_default().total_cmp(&other.as_f64().unwrap_or_default())
        }
        (Some(Value::String(one)), Some(Value::String(other))) => one.cmp(other),
        (Some(Value::Bool(one)), Some(Value::Bool(other))) => one.cmp(other),
        (one, other) => one.is_some().cmp(&other.is_some()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::watch::http::ACCEPTS;
    use serde_json::json;

    fn selected(query: &str, list: Value) -> Value {
        let bytes = format!("GET /{query} HTTP/1.1\r\nHost: a\r\n\r\n");
        let (_, head) = RequestHead::parse(bytes.as_bytes(), &ACCEPTS).unwrap().unwrap();
        select(&head, list)
    }

    #[test]
    fn a_list_is_sorted_and_reduced() {
        let list = json!([{"name": "b", "n": 10, "s": {"x": 1, "y": 2}}, {"name": "a", "n": 9}]);
        assert_eq!(selected("", list.clone()), list);
        assert_eq!(selected("?columns=name&sort=n", list.clone()), json!([{"name": "a"}, {"name": "b"}]));
        assert_eq!(
            selected("?columns=s.x,s.y,none&sort=name&sort_reverse=true", list.clone()),
            json!([{"s": {"x": 1, "y": 2}}, {}])
        );
        assert_eq!(selected("?columns=name", json!({"name": 1, "b": 2})), json!({"name": 1}));
        assert_eq!(selected("?columns=s,s.x", list)[0], json!({"s": {"x": 1, "y": 2}}));
    }
}
