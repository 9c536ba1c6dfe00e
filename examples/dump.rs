//! x
fn main() {
    for k in oms_operator::api::Kind::ALL {
        std::fs::write(
            format!("crds/{}.yaml", k.definition_name()),
            oms_operator::api::crds_yaml(k),
        )
        .unwrap();
    }
}
