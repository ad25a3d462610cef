use proptest::prelude::*;

use super::*;

fn json() -> impl Strategy<Value = serde_json::Value> {
    let leaf = prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(Into::into),
        any::<u32>().prop_map(Into::into),
        any::<f64>().prop_map(Into::into),
        any::<String>().prop_map(Into::into),
    ];
    leaf.prop_recursive(4, 32, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Into::into),
            prop::collection::vec((any::<String>(), inner), 0..6)
                .prop_map(|fields| serde_json::Value::Object(fields.into_iter().collect())),
        ]
    })
}

fn same(ours: &Value, theirs: &serde_json::Value) -> bool {
    use serde_json::Value as Json;
    match (ours, theirs) {
        (Value::Null, Json::Null) => true,
        (Value::Bool(a), Json::Bool(b)) => a == b,
        (Value::Number(_), Json::Number(b)) => match b.as_u64() {
            Some(b) => usize::read(ours) == Some(b as usize),
            None => f64::read(ours).unwrap().to_bits() == b.as_f64().unwrap().to_bits(),
        },
        (Value::Text(a), Json::String(b)) => a == b,
        (Value::List(a), Json::Array(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b))
        }
        (Value::Object(a), Json::Object(b)) => {
            let found = |(name, a): &(String, Value)| b.get(name).is_some_and(|b| same(a, b));
            a.len() == b.len() && a.iter().all(found)
        }
        _ => false,
    }
}

proptest! {
    #[test]
    fn whatever_serde_writes_is_read_as_the_same(value in json(), pretty: bool) {
        let text = if pretty {
            serde_json::to_string_pretty(&value).unwrap()
        } else {
            serde_json::to_string(&value).unwrap()
        };
        prop_assert!(same(&parse(&text).unwrap(), &value), "{text}");
    }

    #[test]
    fn what_serde_refuses_is_refused_and_nothing_else(mut text in "[\\[\\]{}:,\"\\\\ue01.+-9antrufls D8]{0,12}") {
        for _ in 0..2 {
            let is_json = match serde_json::from_str::<serde_json::Value>(&text) {
                Ok(_) => true,
                // Ours refuses that when it is read as a number.
                Err(error) => error.to_string().contains("out of range"),
            };
            prop_assert_eq!(parse(&text).is_ok(), is_json, "{}", text);
            // Once more with something around it, so that more of them are JSON.
            text = format!("[\"{text}\"]");
        }
    }

    #[test]
    fn what_is_written_is_what_serde_reads(number: f64, text: String, whole: u32) {
        let mut out = String::new();
        object(&mut out, &[(&text, &number), ("whole", &[whole, 3].as_slice()), ("none", &None::<u32>)]);
        let read: serde_json::Value = serde_json::from_str(&out).unwrap();
        let expected = serde_json::json!({ text: number, "whole": [whole, 3], "none": null });
        prop_assert_eq!(read, expected);
    }
}

#[test]
fn numbers_of_the_wrong_kind_are_refused() {
    for text in ["-1", "1.0", "4294967296", "1e2", "null", "\"1\""] {
        assert!(u32::read(&parse(text).unwrap()).is_none(), "{text}");
    }
    assert!(f64::read(&parse("1e999").unwrap()).is_none());
}

#[test]
fn nesting_has_an_end() {
    assert!(parse(&format!("{}{}", "[".repeat(31), "]".repeat(31))).is_ok());
    assert_eq!(parse(&"[".repeat(100_000)), Err(JsonError::Depth));
}
