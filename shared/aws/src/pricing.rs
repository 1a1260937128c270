//! What instance types cost on demand, from AWS' price list.

use crate::signed::Service;
use catalog::dollars;
use jiff::Timestamp;
use model::name::InstanceTypeName;
use model::price::Price;
use reconciler::ports::ObserveError;
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// The most products in one answer (API reference, `GetProducts`).
const PAGE: u32 = 100;

/// Five thousand products, four times what there is of instance types; a list that does not end is not believed.
const PAGES_MAX: usize = 50;

/// How a product is named that is bought as it is, and one that is a whole machine: that is always somebody's own.
const KINDS: [(&str, &str); 2] =
    [("Compute Instance", "Shared"), ("Compute Instance (bare metal)", "Dedicated")];

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Answer {
    #[serde(default)]
    price_list: Vec<String>,
    #[serde(default)]
    next_token: Option<String>,
}

#[derive(Deserialize)]
struct Listed {
    product: Product,
    terms: Terms,
}

#[derive(Deserialize)]
struct Product {
    attributes: Attributes,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Attributes {
    instance_type: InstanceTypeName,
}

#[derive(Deserialize)]
struct Terms {
    #[serde(default, rename = "OnDemand")]
    on_demand: BTreeMap<String, Term>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Term {
    #[serde(default)]
    price_dimensions: BTreeMap<String, Dimension>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Dimension {
    #[serde(default)]
    unit: String,
    /// By currency.
    #[serde(default)]
    price_per_unit: BTreeMap<String, String>,
}

/// The region whose endpoint serves the prices of a region (AWS Price List user guide, "Service endpoints").
pub(crate) fn serving(region: &str) -> &'static str {
    let by_prefix = [("cn-", "cn-northwest-1"), ("ap-", "ap-south-1"), ("eu-", "eu-central-1")];
    let found = by_prefix.iter().find(|(prefix, _)| region.starts_with(prefix));
    found.map_or("us-east-1", |(_, serving)| serving)
}

/// What Linux costs on demand in a region, per hour, by instance type.
pub(crate) async fn on_demand(
    list: &Service,
    region: &str,
    now: Timestamp,
) -> Result<BTreeMap<InstanceTypeName, Price>, ObserveError> {
    let mut prices = BTreeMap::new();
    for (family, tenancy) in KINDS {
        let mut next = None;
        for page in 0.. {
            if page == PAGES_MAX {
                let message = format!("a list of more than {PAGES_MAX} pages");
                return Err(ObserveError::Unreachable { service: list.title, message });
            }
            let body = question(region, (family, tenancy), next.as_deref());
            let answer = list.call("AWSPriceListService.GetProducts", body, now).await?;
            let answer: Answer =
                serde_json::from_slice(&answer).map_err(|error| list.unreachable(&error))?;
            prices.extend(answer.price_list.iter().filter_map(|text| price(text)));
            next = answer.next_token.filter(|token| !token.is_empty());
            if next.is_none() {
                break;
            }
        }
    }
    if prices.is_empty() {
        let message = format!("it lists no price for {region}");
        return Err(ObserveError::Unreachable { service: list.title, message });
    }
    Ok(prices)
}

fn question(region: &str, (family, tenancy): (&str, &str), next: Option<&str>) -> String {
    let filters = [
        ("regionCode", region),
        ("productFamily", family),
        ("tenancy", tenancy),
        ("operatingSystem", "Linux"),
        ("preInstalledSw", "NA"),
        ("capacitystatus", "Used"),
        ("marketoption", "OnDemand"),
    ];
    let filter = |(field, value): (&str, &str)| json!({"Type": "TERM_MATCH", "Field": field, "Value": value});
    let filters: Vec<Value> = filters.into_iter().map(filter).collect();
    let mut question = json!({"ServiceCode": "AmazonEC2", "FormatVersion": "aws_v1",
        "MaxResults": PAGE, "Filters": filters});
    if let Some(next) = next {
        question["NextToken"] = json!(next);
    }
    question.to_string()
}

/// The price of a product. One that cannot be read, or is given away, is passed over: it is one of a thousand.
fn price(text: &str) -> Option<(InstanceTypeName, Price)> {
    let Listed { product, terms } = serde_json::from_str(text).ok()?;
    let mut dimensions = terms.on_demand.values().flat_map(|term| term.price_dimensions.values());
    let hourly = dimensions.find(|dimension| dimension.unit == "Hrs")?;
    // In China in yuan. Prices of a region are compared with each other alone.
    let amount = ["USD", "CNY"].iter().find_map(|currency| hourly.price_per_unit.get(*currency))?;
    let price = dollars::parse(amount).filter(|price| Price::ZERO < *price)?;
    Some((product.attributes.instance_type, price))
}
