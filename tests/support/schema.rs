//! Event files against the schema in `docs`, and more strictly than readers need: each key must be known.

use std::fs;
use std::path::Path;

use boon::{Compiler, SchemaIndex, Schemas};
use serde_json::Value;

const SCHEMA: &str = include_str!("../../docs/events.schema.json");

/// The schema.
pub struct Schema {
    schemas: Schemas,
    index: SchemaIndex,
}

impl Schema {
    pub fn new() -> Self {
        let mut schema: Value = serde_json::from_str(SCHEMA).expect("JSON");
        for branch in schema["oneOf"].as_array_mut().expect("a list") {
            branch["additionalProperties"] = false.into();
        }
        let (mut schemas, mut compiler) = (Schemas::new(), Compiler::new());
        let name = "urn:peer-process:events:1";
        compiler.add_resource(name, schema).expect("a schema");
        let index = compiler.compile(name, &mut schemas).expect("a right schema");
        Self { schemas, index }
    }

    /// Returns what is wrong with a line.
    pub fn fault(&self, line: &Value) -> Option<String> {
        self.schemas.validate(line, self.index).err().map(|fault| format!("{line}: {fault}"))
    }
}

/// Returns the whole lines of an event file, each of which must follow the schema, and all of them the order of their times.
pub fn lines(path: &Path) -> Vec<Value> {
    let text = fs::read_to_string(path).expect("an event file");
    let (whole, _) = text.rsplit_once('\n').expect("a line");
    let schema = Schema::new();
    let parse = |line: &str| -> Value {
        serde_json::from_str(line).unwrap_or_else(|error| panic!("{}: {error}: {line}", path.display()))
    };
    let lines: Vec<Value> = whole.lines().map(parse).collect();
    for line in &lines {
        assert_eq!(schema.fault(line), None);
    }
    let times: Vec<_> = lines.iter().map(|line| line["mono"].as_f64().expect("a number")).collect();
    assert!(times.is_sorted(), "{times:?}");
    assert_eq!((&lines[0]["event"], &lines[0]["version"]), (&"start".into(), &1.into()));
    lines
}
