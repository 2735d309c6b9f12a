//! All lists of inputs agree.

#![cfg(test)]

use cloudauth_policy::{Input, InputKind, SCHEMA};
use serde_json::Value;

#[test]
fn finds_every_input_by_its_name() {
    for (place, input) in Input::ALL.into_iter().enumerate() {
        assert_eq!(input as usize, place);
        assert_eq!(input.name().parse(), Ok(input));
        assert_eq!(input.to_string(), input.name());
        assert_eq!(serde_json::to_value(input).unwrap(), input.name());
    }
    let scores = Input::ALL.into_iter().filter(|input| input.kind() == InputKind::Score);
    assert!(scores.eq(Input::SCORES));
}

#[test]
fn an_unknown_name_is_not_quoted() {
    let error = "verify_scroe".parse::<Input>().unwrap_err().to_string();
    assert!(
        error.starts_with("unknown input: did you mean `verify_score`? allowed: code, sub_code"),
        "{error}"
    );
    assert!(!error.contains("scroe"), "{error}");
    assert!("VerifyScore".parse::<Input>().is_err());
}

#[test]
fn the_schema_has_every_input_with_its_kind() {
    let schema: Value = serde_json::from_str(SCHEMA).unwrap();
    let inputs =
        schema["properties"]["inputs"].as_object().or(schema["$defs"]["inputs"].as_object()).unwrap();
    let named = inputs["properties"].as_object().unwrap();
    assert_eq!(named.len(), Input::ALL.len());
    for input in Input::ALL {
        assert_eq!(named[input.name()]["$ref"], format!("#/$defs/{}", input.kind()), "{input}");
    }
    let monotone = &schema["properties"]["assert"]["items"]["properties"]["monotone"]["enum"];
    assert_eq!(*monotone, serde_json::to_value(Input::SCORES).unwrap());
}
