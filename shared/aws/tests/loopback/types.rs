//! What EC2 has in a region, and what it costs.

use super::ec2;
use super::server::{Answer, Server};
use catalog::merge::Seen;
use expect_test::expect;
use jiff::Timestamp;
use reconciler::ports::ObserveError;
use serde_json::json;

async fn look(answers: Vec<Answer>) -> (Result<(Seen, Vec<String>), ObserveError>, Vec<String>) {
    let server = Server::start(answers).await;
    let now: Timestamp = "2026-06-01T00:00:00Z".parse().expect("a time");
    let seen = ec2(&server.url).look_around(now).await;
    (seen, server.asked())
}

fn page(call: &str, set: &str, items: &str, next: &str) -> Answer {
    let next =
        if next.is_empty() { String::new() } else { format!("<nextToken>{next}</nextToken>") };
    Answer::Http(200, format!("<{call}Response><{set}>{items}</{set}>{next}</{call}Response>"))
}

fn types(items: &str, next: &str) -> Answer {
    page("DescribeInstanceTypes", "instanceTypeSet", items, next)
}

fn offerings(items: &[(&str, &str)]) -> Answer {
    let item = |(name, zone): &(&str, &str)| {
        format!(
            "<item><instanceType>{name}</instanceType><locationType>availability-zone</locationType><location>{zone}</location></item>"
        )
    };
    let items: String = items.iter().map(item).collect();
    page("DescribeInstanceTypeOfferings", "instanceTypeOfferingSet", &items, "")
}

fn spot(items: &[(&str, &str, &str, &str)]) -> Answer {
    let item = |(name, zone, price, at): &(&str, &str, &str, &str)| {
        format!(
            "<item><instanceType>{name}</instanceType><productDescription>Linux/UNIX</productDescription><spotPrice>{price}</spotPrice><timestamp>{at}</timestamp><availabilityZone>{zone}</availabilityZone></item>"
        )
    };
    let items: String = items.iter().map(item).collect();
    page("DescribeSpotPriceHistory", "spotPriceHistorySet", &items, "")
}

/// A product of the price list.
fn product(name: &str, unit: &str, currency: &str, price: &str) -> String {
    let dimension = json!({"unit": unit, "pricePerUnit": {currency: price}, "description": "x"});
    json!({"product": {"sku": "S", "attributes": {"instanceType": name, "vcpu": "2"}},
        "serviceCode": "AmazonEC2",
        "terms": {"OnDemand": {"S.T": {"priceDimensions": {"S.T.R": dimension}}}, "Reserved": {}}})
    .to_string()
}

fn prices(products: &[String], next: &str) -> Answer {
    let next = if next.is_empty() { json!(null) } else { json!(next) };
    let body = json!({"FormatVersion": "aws_v1", "PriceList": products, "NextToken": next});
    Answer::Http(200, body.to_string())
}

/// Two of EC2's own descriptions, cut to what is read: one plain, one with all that there can be.
const M5: &str = "<item><instanceType>m5.large</instanceType>\
    <supportedUsageClasses><item>on-demand</item><item>spot</item></supportedUsageClasses>\
    <bareMetal>false</bareMetal><hypervisor>nitro</hypervisor>\
    <processorInfo><supportedArchitectures><item>x86_64</item></supportedArchitectures>\
    <sustainedClockSpeedInGhz>3.1</sustainedClockSpeedInGhz><manufacturer>Intel</manufacturer></processorInfo>\
    <vCpuInfo><defaultVCpus>2</defaultVCpus></vCpuInfo><memoryInfo><sizeInMiB>8192</sizeInMiB></memoryInfo>\
    <ebsInfo><ebsOptimizedSupport>default</ebsOptimizedSupport>\
    <ebsOptimizedInfo><maximumBandwidthInMbps>4750</maximumBandwidthInMbps></ebsOptimizedInfo></ebsInfo>\
    <networkInfo><maximumNetworkInterfaces>3</maximumNetworkInterfaces><defaultNetworkCardIndex>0</defaultNetworkCardIndex>\
    <networkCards><item><networkCardIndex>0</networkCardIndex><maximumNetworkInterfaces>3</maximumNetworkInterfaces>\
    <baselineBandwidthInGbps>0.75</baselineBandwidthInGbps></item></networkCards>\
    <ipv4AddressesPerInterface>10</ipv4AddressesPerInterface>\
    <encryptionInTransitSupported>false</encryptionInTransitSupported></networkInfo></item>";

const P9: &str = "<item><instanceType>p9gd-flex.metal-48xl</instanceType>\
    <supportedUsageClasses><item>on-demand</item><item>capacity-block</item></supportedUsageClasses>\
    <bareMetal>true</bareMetal>\
    <processorInfo><supportedArchitectures><item>arm64</item></supportedArchitectures>\
    <manufacturer>AWS</manufacturer></processorInfo>\
    <vCpuInfo><defaultVCpus>192</defaultVCpus></vCpuInfo><memoryInfo><sizeInMiB>786432</sizeInMiB></memoryInfo>\
    <instanceStorageInfo><totalSizeInGB>7600</totalSizeInGB><nvmeSupport>required</nvmeSupport></instanceStorageInfo>\
    <ebsInfo><ebsOptimizedSupport>supported</ebsOptimizedSupport>\
    <ebsOptimizedInfo><maximumBandwidthInMbps>1</maximumBandwidthInMbps></ebsOptimizedInfo></ebsInfo>\
    <networkInfo><maximumNetworkInterfaces>30</maximumNetworkInterfaces><defaultNetworkCardIndex>1</defaultNetworkCardIndex>\
    <networkCards>\
    <item><networkCardIndex>0</networkCardIndex><maximumNetworkInterfaces>4</maximumNetworkInterfaces><baselineBandwidthInGbps>100.0</baselineBandwidthInGbps></item>\
    <item><networkCardIndex>1</networkCardIndex><maximumNetworkInterfaces>15</maximumNetworkInterfaces><baselineBandwidthInGbps>100.0</baselineBandwidthInGbps></item>\
    </networkCards><ipv4AddressesPerInterface>50</ipv4AddressesPerInterface>\
    <encryptionInTransitSupported>true</encryptionInTransitSupported>\
    <efaInfo><maximumEfaInterfaces>4</maximumEfaInterfaces></efaInfo></networkInfo>\
    <gpuInfo><gpus><item><name>A100 Ultra</name><manufacturer>NVIDIA</manufacturer><count>8</count>\
    <memoryInfo><sizeInMiB>40960</sizeInMiB></memoryInfo></item>\
    <item><name>L4</name><manufacturer>NVIDIA</manufacturer><count>1</count><gpuPartitionSize>0.125</gpuPartitionSize>\
    <memoryInfo><sizeInMiB>2861</sizeInMiB></memoryInfo></item></gpus></gpuInfo>\
    <neuronInfo><neuronDevices><item><count>2</count><name>Trainium</name><coreInfo><count>4</count></coreInfo></item></neuronDevices></neuronInfo></item>";

/// Without memory no node can be planned on it.
const ODD: &str = "<item><instanceType>x1.odd</instanceType></item>";

/// Everything, some of it on a second page.
fn everything() -> Vec<Answer> {
    let at = "2026-05-31T23:00:00.000Z";
    let metal = "p9gd-flex.metal-48xl";
    vec![
        types(M5, "more"),
        types(&format!("{ODD}{P9}"), ""),
        offerings(&[("m5.large", "us-east-1b"), ("m5.large", "us-east-1a"), (metal, "us-east-1a")]),
        spot(&[
            ("m5.large", "us-east-1a", "0.036000", "2026-05-31T23:30:00.000Z"),
            ("m5.large", "us-east-1a", "0.035000", at),
            ("m5.large", "us-east-1b", "0.000000", at),
            ("m5.large", "us-east-1b", "no price", at),
        ]),
        prices(&[product("m5.large", "Hrs", "USD", "0.0960000000"), "{}".into()], "page 2"),
        prices(
            &[
                product("c5.large", "Quantity", "USD", "1"),
                product("m1.free", "Hrs", "USD", "0.0000000000"),
            ],
            "",
        ),
        prices(&[product(metal, "Hrs", "CNY", "40.5")], ""),
    ]
}

#[tokio::test]
async fn lists_are_asked_for_to_their_end() {
    let asked = look(everything()).await.1;
    expect![[r#"
        Action=DescribeInstanceTypes
        Filter.1.Name=supported-virtualization-type
        Filter.1.Value.1=hvm
        Filter.2.Name=processor-info.supported-architecture
        Filter.2.Value.1=x86_64
        Filter.2.Value.2=arm64

        Action=DescribeInstanceTypes
        Filter.1.Name=supported-virtualization-type
        Filter.1.Value.1=hvm
        Filter.2.Name=processor-info.supported-architecture
        Filter.2.Value.1=x86_64
        Filter.2.Value.2=arm64
        NextToken=more

        Action=DescribeInstanceTypeOfferings
        LocationType=availability-zone

        Action=DescribeSpotPriceHistory
        ProductDescription.1=Linux/UNIX
        ProductDescription.2=Linux/UNIX (Amazon VPC)
        StartTime=2026-06-01T00:00:00Z

        {"Filters":[{"Field":"regionCode","Type":"TERM_MATCH","Value":"us-east-1"},{"Field":"productFamily","Type":"TERM_MATCH","Value":"Compute Instance"},{"Field":"tenancy","Type":"TERM_MATCH","Value":"Shared"},{"Field":"operatingSystem","Type":"TERM_MATCH","Value":"Linux"},{"Field":"preInstalledSw","Type":"TERM_MATCH","Value":"NA"},{"Field":"capacitystatus","Type":"TERM_MATCH","Value":"Used"},{"Field":"marketoption","Type":"TERM_MATCH","Value":"OnDemand"}],"FormatVersion":"aws_v1","MaxResults":100,"ServiceCode":"AmazonEC2"}

        {"Filters":[{"Field":"regionCode","Type":"TERM_MATCH","Value":"us-east-1"},{"Field":"productFamily","Type":"TERM_MATCH","Value":"Compute Instance"},{"Field":"tenancy","Type":"TERM_MATCH","Value":"Shared"},{"Field":"operatingSystem","Type":"TERM_MATCH","Value":"Linux"},{"Field":"preInstalledSw","Type":"TERM_MATCH","Value":"NA"},{"Field":"capacitystatus","Type":"TERM_MATCH","Value":"Used"},{"Field":"marketoption","Type":"TERM_MATCH","Value":"OnDemand"}],"FormatVersion":"aws_v1","MaxResults":100,"NextToken":"page 2","ServiceCode":"AmazonEC2"}

        {"Filters":[{"Field":"regionCode","Type":"TERM_MATCH","Value":"us-east-1"},{"Field":"productFamily","Type":"TERM_MATCH","Value":"Compute Instance (bare metal)"},{"Field":"tenancy","Type":"TERM_MATCH","Value":"Dedicated"},{"Field":"operatingSystem","Type":"TERM_MATCH","Value":"Linux"},{"Field":"preInstalledSw","Type":"TERM_MATCH","Value":"NA"},{"Field":"capacitystatus","Type":"TERM_MATCH","Value":"Used"},{"Field":"marketoption","Type":"TERM_MATCH","Value":"OnDemand"}],"FormatVersion":"aws_v1","MaxResults":100,"ServiceCode":"AmazonEC2"}
    "#]].assert_eq(&asked.join("\n"));
}

#[tokio::test]
async fn what_ec2_describes_becomes_facts() {
    let (seen, missing) = look(everything()).await.0.unwrap();
    assert_eq!(missing, Vec::<String>::new());
    let lines: Vec<String> =
        seen.types.iter().map(|facts| serde_json::to_string(facts).unwrap()).collect();
    expect![[r#"
        {"name":"m5.large","arch":"amd64","vcpu":2,"mem_mib":8192,"enis":3,"ips_per_eni":10,"category":"m","generation":5,"family":"m5","size":"large","hypervisor":"nitro","flex":false,"enc_in_transit":false,"cpu_manufacturer":"intel","clock_mhz":3100,"network_mbps":750,"ebs_mbps":4750,"efa":0,"branch_enis":0,"usage_classes":["on-demand","spot"]}
        {"name":"p9gd-flex.metal-48xl","arch":"arm64","vcpu":192,"mem_mib":786432,"enis":15,"ips_per_eni":50,"category":"p","generation":9,"family":"p9gd-flex","size":"metal-48xl","hypervisor":"","flex":true,"enc_in_transit":true,"cpu_manufacturer":"aws","network_mbps":200000,"nvme_gb":7600,"gpus":[{"name":"a100-ultra","manufacturer":"nvidia","count":8,"mem_mib":40960},{"name":"l4","manufacturer":"nvidia","count":0,"mem_mib":2861}],"neuron":{"name":"trainium","devices":2,"cores":8},"efa":4,"branch_enis":0,"usage_classes":["on-demand"]}"#]].assert_eq(&lines.join("\n"));
}

#[tokio::test]
async fn the_latest_spot_price_and_the_hourly_price_on_demand_count() {
    let (Seen { offered, on_demand, spot, .. }, _) = look(everything()).await.0.unwrap();
    expect![[r#"
        {"m5.large": ["us-east-1b", "us-east-1a"], "p9gd-flex.metal-48xl": ["us-east-1a"]}
        Some({"m5.large": Price(96000), "p9gd-flex.metal-48xl": Price(40500000)})
        Some({"m5.large": {"us-east-1a": Price(36000)}})"#]]
    .assert_eq(&format!("{offered:?}\n{on_demand:?}\n{spot:?}"));
}

#[tokio::test]
async fn without_prices_the_types_are_told_all_the_same() {
    let zone = [("m5.large", "us-east-1a")];
    let refused = r#"{"__type":"AccessDeniedException","Message":"no"}"#;
    let answers =
        vec![types(M5, ""), offerings(&zone), spot(&[]), Answer::Http(400, refused.into())];
    let (seen, missing) = look(answers).await.0.unwrap();
    assert_eq!((seen.types.len(), seen.on_demand, seen.spot), (1, None, None));
    expect![[r#"
        spot prices stay as they were: EC2 did not answer: it tells of no spot prices at all
        on-demand prices stay as they were: the price list refused: AccessDeniedException: no"#]]
    .assert_eq(&missing.join("\n"));
    let empty = vec![types(M5, ""), offerings(&zone), spot(&[]), prices(&[], ""), prices(&[], "")];
    let (_, missing) = look(empty).await.0.unwrap();
    expect!["on-demand prices stay as they were: the price list did not answer: it lists no price for us-east-1"].assert_eq(&missing[1]);
}

#[tokio::test]
async fn half_a_list_and_an_empty_one_are_no_list() {
    let mut text = String::new();
    for answers in [
        vec![types(M5, "more"), Answer::HangUp],
        vec![types(ODD, "")],
        vec![types(M5, ""), offerings(&[])],
    ] {
        text += &look(answers).await.0.unwrap_err().to_string();
        text.push('\n');
    }
    expect![[r#"
        EC2 did not answer: dispatch failure: other: client error (SendRequest): connection closed before message completed
        EC2 did not answer: it tells of no instance types at all
        EC2 did not answer: it tells of no offerings at all
    "#]].assert_eq(&text);
}
