//! Tickers are found by whatever people type of them, among neighbours that look alike.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may panic")]

use std::{collections::BTreeMap, time::Instant};

use madang_core::{
    ids::TickerId,
    tickers::{Catalogue, Ticker, TickerStatus},
};
use madang_search::tickers::{MatchKind, TickerIndex};

/// Market, code, name in English, name in Korean, nicknames, how many watch it (in thousands).
const INSTRUMENTS: &[(&str, &str, &str, &str, &str, u32)] = &[
    ("XKRX", "005930", "Samsung Electronics Co., Ltd.", "삼성전자", "삼전", 900),
    ("XKRX", "005935", "Samsung Electronics Co., Ltd. Preferred", "삼성전자우", "삼전우", 120),
    ("XKRX", "009150", "Samsung Electro-Mechanics", "삼성전기", "", 60),
    ("XKRX", "006400", "Samsung SDI", "삼성SDI", "", 150),
    ("XKRX", "018260", "Samsung SDS", "삼성에스디에스", "", 40),
    ("XKRX", "028260", "Samsung C&T Corporation", "삼성물산", "", 50),
    ("XKRX", "207940", "Samsung Biologics", "삼성바이오로직스", "삼바", 110),
    ("XKRX", "032830", "Samsung Life Insurance", "삼성생명", "", 40),
    ("XKRX", "000810", "Samsung Fire & Marine Insurance", "삼성화재", "", 20),
    ("XKRX", "010140", "Samsung Heavy Industries", "삼성중공업", "삼중", 70),
    ("XKRX", "016360", "Samsung Securities", "삼성증권", "", 20),
    ("XKRX", "001360", "Samsung Pharmaceutical", "삼성제약", "", 8),
    ("XKRX", "000660", "SK hynix Inc.", "SK하이닉스", "하닉,하이닉스", 700),
    ("XKRX", "034730", "SK Inc.", "SK", "", 50),
    ("XKRX", "017670", "SK Telecom", "SK텔레콤", "스크텔", 60),
    ("XKRX", "096770", "SK Innovation", "SK이노베이션", "", 70),
    ("XKRX", "402340", "SK Square", "SK스퀘어", "", 30),
    ("XKRX", "302440", "SK bioscience", "SK바이오사이언스", "", 50),
    ("XKRX", "326030", "SK Biopharmaceuticals", "SK바이오팜", "", 40),
    ("XKRX", "003550", "LG Corp.", "LG", "", 60),
    ("XKRX", "066570", "LG Electronics Inc.", "LG전자", "엘전", 120),
    ("XKRX", "051910", "LG Chem", "LG화학", "", 150),
    ("XKRX", "373220", "LG Energy Solution", "LG에너지솔루션", "엔솔,엘지엔솔", 200),
    ("XKRX", "034220", "LG Display", "LG디스플레이", "엘디", 50),
    ("XKRX", "011070", "LG Innotek", "LG이노텍", "", 40),
    ("XKRX", "032640", "LG Uplus", "LG유플러스", "", 30),
    ("XKRX", "051900", "LG H&H", "LG생활건강", "엘생건", 40),
    ("XKRX", "005380", "Hyundai Motor Company", "현대차", "현차", 250),
    ("XKRX", "012330", "Hyundai Mobis", "현대모비스", "", 60),
    ("XKRX", "000720", "Hyundai E&C", "현대건설", "", 40),
    ("XKRX", "004020", "Hyundai Steel", "현대제철", "", 20),
    ("XKRX", "086280", "Hyundai Glovis", "현대글로비스", "", 20),
    ("XKRX", "064350", "Hyundai Rotem", "현대로템", "로템", 120),
    ("XKRX", "329180", "HD Hyundai Heavy Industries", "HD현대중공업", "", 90),
    ("XKRX", "000270", "Kia Corporation", "기아", "기아차", 200),
    ("XKRX", "035720", "Kakao Corp.", "카카오", "", 300),
    ("XKRX", "323410", "KakaoBank Corp.", "카카오뱅크", "카뱅", 120),
    ("XKRX", "377300", "Kakaopay Corp.", "카카오페이", "", 60),
    ("XKRX", "035420", "NAVER Corporation", "NAVER", "네이버", 300),
    ("XKRX", "068270", "Celltrion Inc.", "셀트리온", "셀트", 220),
    ("XKRX", "005490", "POSCO Holdings Inc.", "POSCO홀딩스", "포스코,포스코홀딩스,포홀", 250),
    ("XKRX", "003670", "POSCO Future M", "포스코퓨처엠", "포퓨엠", 150),
    ("XKRX", "047050", "POSCO International", "포스코인터내셔널", "", 50),
    ("XKOS", "086520", "EcoPro Co., Ltd.", "에코프로", "", 250),
    ("XKOS", "247540", "EcoPro BM", "에코프로비엠", "에코비엠", 200),
    ("XKRX", "450080", "EcoPro Materials", "에코프로머티", "", 70),
    ("XKOS", "383310", "EcoPro HN", "에코프로에이치엔", "", 20),
    ("XKRX", "105560", "KB Financial Group Inc.", "KB금융", "", 80),
    ("XKRX", "055550", "Shinhan Financial Group", "신한지주", "", 60),
    ("XKRX", "086790", "Hana Financial Group", "하나금융지주", "", 60),
    ("XKRX", "316140", "Woori Financial Group", "우리금융지주", "", 50),
    ("XKRX", "030200", "KT Corporation", "KT", "", 60),
    ("XKRX", "033780", "KT&G Corporation", "KT&G", "", 50),
    ("XKRX", "015760", "Korea Electric Power Corporation", "한국전력", "한전", 120),
    ("XKRX", "012450", "Hanwha Aerospace", "한화에어로스페이스", "한에어", 200),
    ("XKRX", "042660", "Hanwha Ocean", "한화오션", "", 110),
    ("XKRX", "034020", "Doosan Enerbility", "두산에너빌리티", "두빌,두에빌", 200),
    ("XKRX", "454910", "Doosan Robotics", "두산로보틱스", "", 90),
    ("XKOS", "196170", "Alteogen Inc.", "알테오젠", "", 100),
    ("XKOS", "028300", "HLB Inc.", "HLB", "", 90),
    ("XKRX", "259960", "KRAFTON Inc.", "크래프톤", "", 70),
    ("XKRX", "036570", "NCSOFT Corporation", "엔씨소프트", "엔씨", 60),
    ("XKRX", "251270", "Netmarble Corporation", "넷마블", "", 30),
    ("XKRX", "352820", "HYBE Co., Ltd.", "하이브", "", 80),
    ("XKRX", "003490", "Korean Air Lines Co., Ltd.", "대한항공", "", 70),
    ("XKRX", "090430", "Amorepacific Corporation", "아모레퍼시픽", "", 40),
    ("XKRX", "097950", "CJ CheilJedang", "CJ제일제당", "", 30),
    ("XKRX", "010950", "S-Oil Corporation", "S-Oil", "에쓰오일", 40),
    ("XKRX", "402030", "KODEX 200", "KODEX 200", "", 30),
    ("XNAS", "AAPL", "Apple Inc.", "애플", "사과", 800),
    ("XNAS", "TSLA", "Tesla, Inc.", "테슬라", "테슬", 900),
    ("XNAS", "NVDA", "NVIDIA Corporation", "엔비디아", "엔비", 900),
    ("XNAS", "MSFT", "Microsoft Corporation", "마이크로소프트", "마소", 500),
    ("XNAS", "MU", "Micron Technology, Inc.", "마이크론", "", 120),
    ("XNAS", "GOOGL", "Alphabet Inc. Class A", "알파벳A", "구글", 400),
    ("XNAS", "GOOG", "Alphabet Inc. Class C", "알파벳C", "구글", 200),
    ("XNAS", "AMZN", "Amazon.com, Inc.", "아마존", "", 400),
    ("XNAS", "META", "Meta Platforms, Inc.", "메타", "페북", 350),
    ("XNAS", "AMD", "Advanced Micro Devices, Inc.", "AMD", "암드", 350),
    ("XNAS", "AMAT", "Applied Materials, Inc.", "어플라이드 머티어리얼즈", "", 50),
    ("XNAS", "INTC", "Intel Corporation", "인텔", "", 150),
    ("XNAS", "AVGO", "Broadcom Inc.", "브로드컴", "", 150),
    ("XNAS", "NFLX", "Netflix, Inc.", "넷플릭스", "넷플", 150),
    ("XNAS", "PLTR", "Palantir Technologies Inc. Class A", "팔란티어", "팔란", 250),
    ("XNAS", "QQQ", "Invesco QQQ Trust", "인베스코 QQQ", "큐큐큐", 200),
    ("XNAS", "TQQQ", "ProShares UltraPro QQQ", "프로셰어즈 울트라프로 QQQ", "티큐", 200),
    ("XNYS", "SPY", "SPDR S&P 500 ETF Trust", "SPDR S&P500", "슨피,스파이", 200),
    ("XNYS", "SPGI", "S&P Global Inc.", "S&P글로벌", "", 10),
    ("XNYS", "BRK.A", "Berkshire Hathaway Inc. Class A", "버크셔 해서웨이 A", "", 40),
    ("XNYS", "BRK.B", "Berkshire Hathaway Inc. Class B", "버크셔 해서웨이 B", "버크셔", 80),
    ("XNYS", "A", "Agilent Technologies, Inc.", "애질런트", "", 5),
    ("XNYS", "AA", "Alcoa Corporation", "알코아", "", 5),
    ("XNYS", "AAP", "Advance Auto Parts, Inc.", "어드밴스 오토 파츠", "", 2),
    ("XNYS", "T", "AT&T Inc.", "AT&T", "에이티앤티", 60),
    ("XNYS", "C", "Citigroup Inc.", "씨티그룹", "", 40),
    ("XNYS", "F", "Ford Motor Company", "포드", "", 40),
    ("XNYS", "V", "Visa Inc.", "비자", "", 60),
    ("XNYS", "MA", "Mastercard Incorporated", "마스터카드", "", 30),
    ("XNYS", "KO", "The Coca-Cola Company", "코카콜라", "", 120),
    ("XNYS", "JPM", "JPMorgan Chase & Co.", "JP모건", "", 50),
    ("XNYS", "JNJ", "Johnson & Johnson", "존슨앤드존슨", "", 50),
    ("XNYS", "CPNG", "Coupang, Inc.", "쿠팡", "", 100),
    ("XNYS", "BABA", "Alibaba Group Holding Limited", "알리바바", "", 80),
    ("XNYS", "TSM", "Taiwan Semiconductor Manufacturing Company Limited", "TSMC", "", 150),
    ("XNYS", "BA", "The Boeing Company", "보잉", "", 50),
    ("XNYS", "BAC", "Bank of America Corporation", "뱅크오브아메리카", "", 40),
    ("XNYS", "IONQ", "IonQ, Inc.", "아이온큐", "", 120),
    ("XNAS", "SMCI", "Super Micro Computer, Inc.", "슈퍼마이크로컴퓨터", "슈마컴", 80),
    ("XNAS", "COIN", "Coinbase Global, Inc.", "코인베이스", "", 90),
    ("XNAS", "ASML", "ASML Holding N.V.", "ASML", "", 60),
];

fn ticker(id: i32, (market, code, name, name_ko): (&str, &str, &str, &str)) -> Ticker {
    Ticker {
        id: TickerId::new(id),
        symbol: format!("{market}:{code}"),
        code: code.into(),
        name: name.into(),
        name_ko: (!name_ko.is_empty()).then(|| name_ko.into()),
        sector: None,
        currency: "KRW".into(),
        time_zone: "Asia/Seoul".into(),
        status: TickerStatus::Listed,
        renamed_to: None,
        last_close: None,
    }
}

fn catalogue() -> Catalogue {
    let mut tickers = Vec::new();
    let mut nicknames = Vec::new();
    for (id, (market, code, name, name_ko, aliases, _)) in (1..).zip(INSTRUMENTS) {
        tickers.push(ticker(id, (market, code, name, name_ko)));
        nicknames
            .extend(aliases.split(',').filter(|a| !a.is_empty()).map(|a| (a.to_owned(), TickerId::new(id))));
    }
    let meta = tickers.iter().find(|ticker| ticker.code == "META").unwrap().id;
    let mut facebook = ticker(1001, ("XNAS", "FB", "Facebook, Inc.", "페이스북"));
    facebook.status = TickerStatus::Renamed;
    facebook.renamed_to = Some(meta);
    let mut twitter = ticker(1002, ("XNYS", "TWTR", "Twitter, Inc.", "트위터"));
    twitter.status = TickerStatus::Delisted;
    let mut old = ticker(1003, ("XKOS", "091990", "Celltrion Healthcare", "셀트리온헬스케어"));
    old.status = TickerStatus::Delisted;
    tickers.extend([facebook, twitter, old]);
    tickers.sort_by(|a, b| a.symbol.cmp(&b.symbol));
    Catalogue::of(tickers, nicknames)
}

fn weight(id: TickerId) -> u32 {
    let at = usize::try_from(id.get() - 1).unwrap();
    INSTRUMENTS.get(at).map_or(0, |(.., watchers)| *watchers)
}

fn index(catalogue: &Catalogue) -> TickerIndex {
    TickerIndex::new(catalogue, weight)
}

/// A kind of query, the share that must be right, and what is typed with the code of what is meant: none, where nothing.
type Kind = (&'static str, f64, &'static [(&'static str, &'static str)]);

const CASES: &[Kind] = &[
    (
        "code",
        0.95,
        &[
            ("005930", "005930"),
            ("００５９３０", "005930"),
            ("XKRX:005930", "005930"),
            ("krx:005930", "005930"),
            ("005930.KS", "005930"),
            ("A005930", "005930"),
            ("$005930", "005930"),
            ("005935", "005935"),
            ("aapl", "AAPL"),
            ("$AAPL", "AAPL"),
            ("nasdaq:nvda", "NVDA"),
            ("aap", "AAP"),
            ("a", "A"),
            ("t", "T"),
            ("C", "C"),
            ("f", "F"),
            ("v", "V"),
            ("ma", "MA"),
            ("brk.b", "BRK.B"),
            ("brk-b", "BRK.B"),
            ("BRK B", "BRK.B"),
            ("meta", "META"),
            ("amd", "AMD"),
            ("qqq", "QQQ"),
            ("AAPL은", "AAPL"),
            ("5930", "005930"),
        ],
    ),
    (
        "code prefix",
        0.95,
        &[
            ("00593", "005930"),
            ("0059", "005930"),
            ("nvd", "NVDA"),
            ("tsl", "TSLA"),
            ("msf", "MSFT"),
            ("pltr", "PLTR"),
            ("3732", "373220"),
        ],
    ),
    (
        "exact",
        0.95,
        &[
            ("삼성전자", "005930"),
            ("삼성 전자", "005930"),
            ("삼성전자 주식회사", "005930"),
            ("(주)삼성전자", "005930"),
            ("㈜삼성전자", "005930"),
            ("삼성전자보통주", "005930"),
            ("삼성전자 우선주", "005935"),
            ("삼성전자우", "005935"),
            ("삼성전기", "009150"),
            ("삼성SDI", "006400"),
            ("삼성 sdi", "006400"),
            ("삼성에스디아이", "006400"),
            ("삼성에스디에스", "018260"),
            ("samsung sds", "018260"),
            ("LG", "003550"),
            ("lg전자", "066570"),
            ("LG 화학", "051910"),
            ("엘지화학", "051910"),
            ("엘지", "003550"),
            ("현대차", "005380"),
            ("현대모비스", "012330"),
            ("에코프로", "086520"),
            ("에코프로 비엠", "247540"),
            ("에코프로머티", "450080"),
            ("sk하이닉스", "000660"),
            ("SK 하이닉스", "000660"),
            ("에스케이하이닉스", "000660"),
            ("sk hynix", "000660"),
            ("Samsung Electronics", "005930"),
            ("SAMSUNG ELECTRONICS CO., LTD.", "005930"),
            ("samsungelectronics", "005930"),
            ("apple", "AAPL"),
            ("Apple Inc.", "AAPL"),
            ("microsoft corporation", "MSFT"),
            ("amazon", "AMZN"),
            ("amazon.com", "AMZN"),
            ("alphabet", "GOOGL"),
            ("alphabet class c", "GOOG"),
            ("coca cola", "KO"),
            ("the coca-cola company", "KO"),
            ("at&t", "T"),
            ("s&p global", "SPGI"),
            ("johnson and johnson", "JNJ"),
            ("메타", "META"),
            ("케이티", "030200"),
            ("케이티앤지", "033780"),
            ("kt&g", "033780"),
            ("S-Oil", "010950"),
            ("버크셔 해서웨이", "BRK.B"),
            ("삼성전자가", "005930"),
            ("테슬라 주가", "TSLA"),
            ("카카오는", "035720"),
            ("facebook", "META"),
            ("twitter", "TWTR"),
            ("셀트리온", "068270"),
            ("kakao", "035720"),
            ("티에스엠씨", "TSM"),
        ],
    ),
    (
        "alias",
        0.95,
        &[
            ("삼전", "005930"),
            ("삼전우", "005935"),
            ("하닉", "000660"),
            ("하이닉스", "000660"),
            ("애플", "AAPL"),
            ("엔비", "NVDA"),
            ("슨피", "SPY"),
            ("네이버", "035420"),
            ("마소", "MSFT"),
            ("구글", "GOOGL"),
            ("포스코", "005490"),
            ("엔솔", "373220"),
            ("카뱅", "323410"),
            ("한전", "015760"),
            ("암드", "AMD"),
            ("현차", "005380"),
            ("#하닉", "000660"),
            ("슨", "SPY"),
            ("포스", "005490"),
            ("페북", "META"),
        ],
    ),
    (
        "initials",
        0.95,
        &[
            ("ㅅㅅㅈㅈ", "005930"),
            ("ㅅㅅㅈ", "005930"),
            ("ㅅㅈ", "005930"),
            ("삼ㅅ", "005930"),
            ("삼성ㅈㅈ", "005930"),
            ("ㅅㅅㅈㄱ", "009150"),
            ("skㅎㅇㄴㅅ", "000660"),
            ("ㅎㅇㄴㅅ", "000660"),
            ("SKㅎㅇ", "000660"),
            ("ㅋㅋㅇ", "035720"),
            ("ㅋㅋㅇㅂㅋ", "323410"),
            ("캌ㅇ", "035720"),
            ("ㄴㅇㅂ", "035420"),
            ("넹ㅂ", "035420"),
            ("ㅎㄷㅊ", "005380"),
            ("현대ㅊ", "005380"),
            ("현댗", "005380"),
            ("lgㅎㅎ", "051910"),
            ("LGㅈㅈ", "066570"),
            ("ㅌㅅㄹ", "TSLA"),
            ("ㅇㅂㄷㅇ", "NVDA"),
            ("ㅇㅋㅍㄹㅂㅇ", "247540"),
            ("ㅅㅅㅂㅇㅇㄹㅈㅅ", "207940"),
            ("ㅅㅌㄹㅇ", "068270"),
            ("ㄷㅅㅇㄴㅂㄹㅌ", "034020"),
            ("ㄳㅎㄱ", ""),
            ("ㅍㅅㅋ", "005490"),
            ("ㅎㄱㅈㄹ", "015760"),
        ],
    ),
    (
        "prefix",
        0.95,
        &[
            ("삼성전", "005930"),
            ("samsung ele", "005930"),
            ("micros", "MSFT"),
            ("micron", "MU"),
            ("테슬", "TSLA"),
            ("에코프로비", "247540"),
            ("카카오뱅", "323410"),
            ("한화에", "012450"),
            ("두산에", "034020"),
            ("palan", "PLTR"),
            ("berk", "BRK.B"),
            ("삼서", "005930"),
            ("삼성ㅈ", "005930"),
            ("삼성저", "005930"),
            ("하이닉ㅅ", "000660"),
            ("하이닋", "000660"),
            ("엔비디ㅇ", "NVDA"),
            ("셀틀", "068270"),
        ],
    ),
    (
        "word",
        0.9,
        &[
            ("hynix", "000660"),
            ("바이오로직스", "207940"),
            ("biologics", "207940"),
            ("에너빌리티", "034020"),
            ("에어로스페이스", "012450"),
            ("이노텍", "011070"),
            ("hathaway", "BRK.B"),
            ("제일제당", "097950"),
            ("인터내셔널", "047050"),
            ("electronics samsung", "005930"),
            ("삼성 바이오", "207940"),
            ("삼성전자 실적 전망", "005930"),
        ],
    ),
    (
        "layout",
        0.85,
        &[
            ("tkatjdwjswk", "005930"),
            ("tkatjd", "005930"),
            ("Tkatjdwjswk", "005930"),
            ("TKATJDWJSWK", "005930"),
            ("tkawjs", "005930"),
            ("gkdlslrtm", "000660"),
            ("skgkdlslrtm", "000660"),
            ("lgghkgkr", "051910"),
            ("lgwjswk", "066570"),
            ("guseock", "005380"),
            ("zkzkdh", "035720"),
            ("spdlqj", "035420"),
            ("dpzhvmfh", "086520"),
            ("dpzhvmfhqldpa", "247540"),
            ("xptmffk", "TSLA"),
            ("dosl", ""),
            ("doqmf", ""),
            ("doqxmf", ""),
            ("dovmf", "AAPL"),
            ("dpsqleldk", "NVDA"),
            ("rldk", "000270"),
            ("ttww", "005930"),
            ("ㅁㅁㅔㅣ", "AAPL"),
            ("ㅅ니ㅁ", "TSLA"),
            ("ㅜㅍㅇㅁ", "NVDA"),
            ("ㅡㄴㄹㅅ", "MSFT"),
            ("ㅎㅐㅐ히", "GOOGL"),
            ("믕", "AMD"),
            ("ㅔㅣㅅㄱ", "PLTR"),
            ("메ㅔㅣㄷ", "AAPL"),
            ("ㅜㅍㅑ야ㅁ", "NVDA"),
            ("ㅡㅑㅊ갠", "MSFT"),
            ("ㄴ므녀ㅜㅎ", "005930"),
            ("ㅁㅁㅔ", "AAP"),
            ("ㅂㅂㅂㅂ", ""),
        ],
    ),
    (
        "typo",
        0.85,
        &[
            ("삼송전자", "005930"),
            ("삼성저나", "005930"),
            ("삼셩전자", "005930"),
            ("카카우", "035720"),
            ("네이바", "035420"),
            ("네이벼", "035420"),
            ("셑트리온", "068270"),
            ("샐트리온", "068270"),
            ("에플", "AAPL"),
            ("태슬라", "TSLA"),
            ("앤비디아", "NVDA"),
            ("하이닉수", "000660"),
            ("sk하이닉수", "000660"),
            ("LG하학", "051910"),
            ("현데차", "005380"),
            ("에코푸로", "086520"),
            ("에코프로비앰", "247540"),
            ("마이크로소프드", "MSFT"),
            ("마이크로스포트", "MSFT"),
            ("삼성바이오러직스", "207940"),
            ("두산애너빌리티", "034020"),
            ("팔란티오", "PLTR"),
            ("쿠펑", "CPNG"),
            ("아마죤", "AMZN"),
            ("teslla", "TSLA"),
            ("nvidai", "NVDA"),
            ("nvida", "NVDA"),
            ("mircosoft", "MSFT"),
            ("microsfot", "MSFT"),
            ("palantr", "PLTR"),
            ("amazn", "AMZN"),
            ("samsumg", "005930"),
            ("samsung eletronics", "005930"),
            ("hynis", "000660"),
            ("alibbaa", "BABA"),
            ("appel", "AAPL"),
            ("삼송전", "005930"),
            ("삼송전자가", "005930"),
            ("netflx", "NFLX"),
            ("coinbse", "COIN"),
        ],
    ),
    (
        "negative",
        0.95,
        &[
            ("ㅋㅋㅋㅋ", ""),
            ("ㅠㅠ", ""),
            ("ㅎㅎㅎㅎ", ""),
            ("zzzzqq", ""),
            ("asdfgh", ""),
            ("오늘점심", ""),
            ("점심", ""),
            ("날씨", ""),
            ("맛집 추천", ""),
            ("하하하", ""),
            ("!!!!", ""),
            ("🚀", ""),
            ("", ""),
            ("   ", ""),
            ("\u{3164}", ""),
            ("005931", ""),
            ("123456", ""),
            ("\" OR author = 1", ""),
            ("강아지", ""),
            ("피자", ""),
            ("wonderful", ""),
            ("삼각김밥", ""),
            ("전화번호", ""),
            ("안녕하세요", ""),
            ("xqz", ""),
        ],
    ),
];

#[test]
fn what_is_typed_finds_what_is_meant() {
    let catalogue = catalogue();
    let index = index(&catalogue);
    let mut failures = Vec::new();
    let mut shares = BTreeMap::new();
    for (kind, aim, cases) in CASES {
        let mut right = 0_u32;
        for (typed, meant) in *cases {
            let hits = index.find(typed, 5);
            let codes: Vec<_> = hits.iter().map(|hit| catalogue.get(hit.id).unwrap().code.as_str()).collect();
            if codes.first().copied().unwrap_or_default() == *meant {
                right += 1;
            } else {
                let how = hits.first().map(|hit| (hit.how, hit.name.clone()));
                failures.push(format!("{kind}: {typed} is {meant}, not {codes:?} {how:?}"));
            }
        }
        let share = f64::from(right) / f64::from(u32::try_from(cases.len()).unwrap());
        shares.insert(*kind, (share, *aim, cases.len()));
    }
    for (kind, (share, aim, count)) in &shares {
        println!("{kind:12} success@1 {share:.3} of {count}, aim {aim}");
    }
    failures.iter().for_each(|failure| println!("{failure}"));
    assert!(CASES.iter().map(|(.., cases)| cases.len()).sum::<usize>() >= 150);
    for (kind, (share, aim, _)) in shares {
        assert!(share >= aim, "{kind}");
    }
}

#[test]
fn a_hit_says_how_and_where_it_matched() {
    let catalogue = catalogue();
    let index = index(&catalogue);
    let first = |typed: &str| {
        let hit = index.find(typed, 1).into_iter().next().unwrap();
        (hit.how, hit.name, hit.spans)
    };
    assert_eq!(first("삼전"), (MatchKind::Exact, "삼전".into(), vec![(0, 2)]));
    assert_eq!(first("삼성전"), (MatchKind::Prefix, "삼성전자".into(), vec![(0, 3)]));
    assert_eq!(first("ㅅㅅㅈㅈ"), (MatchKind::Initials, "삼성전자".into(), vec![(0, 4)]));
    assert_eq!(first("바이오로직스"), (MatchKind::Part, "삼성바이오로직스".into(), vec![(2, 8)]));
    assert_eq!(first("electronics samsung").0, MatchKind::Words);
    assert_eq!(
        first("hathaway"),
        (MatchKind::Word, "Berkshire Hathaway Inc. Class B".into(), vec![(10, 18)])
    );
    assert_eq!(first("xptmffk"), (MatchKind::Layout, "테슬라".into(), vec![(0, 3)]));
    assert_eq!(first("teslla"), (MatchKind::Typo, "Tesla, Inc.".into(), vec![(0, 5)]));
    assert_eq!(first("엘지화학"), (MatchKind::Exact, "LG화학".into(), vec![(0, 4)]));
}

#[test]
fn a_renamed_instrument_is_what_it_is_now_and_a_delisted_one_comes_last() {
    let catalogue = catalogue();
    let index = index(&catalogue);
    let codes = |typed: &str| -> Vec<String> {
        index.find(typed, 10).iter().map(|hit| catalogue.get(hit.id).unwrap().code.clone()).collect()
    };
    assert_eq!(codes("fb"), ["META"]);
    assert_eq!(codes("페이스북"), ["META"]);
    assert_eq!(codes("셀트"), ["068270", "091990"]);
    assert_eq!(codes("twtr"), ["TWTR"]);
}

#[test]
fn of_equal_matches_the_more_important_comes_first() {
    let catalogue = catalogue();
    let first = |index: &TickerIndex, typed: &str| index.find(typed, 1).first().map(|hit| hit.name.clone());
    let watched = TickerIndex::new(&catalogue, weight);
    let unknown = TickerIndex::new(&catalogue, |_| 0);
    let electric = catalogue.find("009150").unwrap().id;
    let other = TickerIndex::new(&catalogue, |id| u32::from(id == electric));
    assert_eq!(first(&watched, "ㅅㅅㅈ").as_deref(), Some("삼성전자"));
    assert_eq!(first(&unknown, "ㅅㅅㅈ").as_deref(), Some("삼성전자"));
    assert_eq!(first(&other, "ㅅㅅㅈ").as_deref(), Some("삼성전기"));
}

#[test]
fn names_are_known_exactly_or_not_at_all() {
    let catalogue = catalogue();
    let index = index(&catalogue);
    let codes = |text: &str| -> Vec<String> {
        index.exact(text).iter().map(|id| catalogue.get(*id).unwrap().code.clone()).collect()
    };
    assert_eq!(codes("삼전"), ["005930"]);
    assert_eq!(codes("samsung electronics"), ["005930"]);
    assert_eq!(codes("alphabet"), ["GOOGL", "GOOG"]);
    assert_eq!(codes("s&p global"), ["SPGI"]);
    assert_eq!(codes("brk.b"), ["BRK.B"]);
    assert_eq!(codes("facebook"), ["META"]);
    for none in ["삼성", "삼성전", "", "!", "2024", "teslla"] {
        assert_eq!(codes(none), Vec::<String>::new(), "{none}");
    }
}

#[test]
fn whatever_is_typed_no_more_than_wanted_is_found() {
    let catalogue = catalogue();
    let index = index(&catalogue);
    for typed in [
        "삼",
        "s",
        "ㅅ",
        "a",
        &"삼성".repeat(500),
        &"a ".repeat(500),
        "\u{1F468}\u{200D}\u{1F469}",
        "가\u{301}각ㅏㅄ",
    ] {
        let hits = index.find(typed, 3);
        assert!(hits.len() <= 3);
        for hit in hits {
            let length = u32::try_from(hit.name.chars().count()).unwrap();
            assert!(hit.spans.iter().all(|(from, until)| from < until && *until <= length), "{hit:?}");
        }
    }
}

/// Instruments enough for two markets: names of two to four parts, with a nickname each.
fn large_catalogue() -> Catalogue {
    let list = |words: &'static str| words.split(' ').collect::<Vec<_>>();
    let korean = list(
        "삼성 현대 한화 동양 대한 세종 미래 코스 에코 신한 우리 하나 이노 제이 디지 한국 태양 서울 그린 바이오",
    );
    let middle = list("전자 화학 바이 테크 소프트 금융 에너지 제약 건설 물산");
    let last = ["", "홀딩스", "우", "솔루션", "스팩", "인더스트리"];
    let english = list(
        "North Star Silver Quantum Atlas Pioneer Vertex Cobalt Summit Harbor Liberty Orion Delta Falcon Granite Beacon \
         Crescent Evergreen Frontier Meridian",
    );
    let fields =
        list("Energy Therapeutics Semiconductor Financial Realty Software Mining Airlines Foods Media");
    let forms = ["Inc.", "Corporation", "Holdings, Inc.", "Group Ltd.", "Class A", "Trust"];
    let mut tickers = Vec::new();
    let mut nicknames = Vec::new();
    for id in 0..12_000_usize {
        let number = i32::try_from(id + 1).unwrap();
        let name = format!(
            "{} {} {} {}",
            english[id % 20],
            english[id / 20 % 20],
            fields[id / 400 % 10],
            forms[id / 4000 % 6]
        );
        if id % 4 == 0 {
            let name_ko = format!(
                "{}{}{}{}",
                korean[id / 4 % 20],
                korean[id / 80 % 20],
                middle[id / 1600 % 10],
                last[id % 6]
            );
            tickers.push(ticker(number, ("XKRX", &format!("{id:06}"), &name, &name_ko)));
            nicknames.push((name_ko.chars().step_by(2).collect(), TickerId::new(number)));
        } else {
            let letter = |every| char::from(b'A' + u8::try_from(id / every % 26).unwrap());
            let code: String = [1, 26, 676, 3].into_iter().map(letter).collect();
            tickers.push(ticker(number, ("XNAS", &code, &name, "")));
        }
    }
    Catalogue::of(tickers, nicknames)
}

#[test]
fn every_instrument_of_two_markets_is_found_by_its_name() {
    let catalogue = large_catalogue();
    let begun = Instant::now();
    let index = TickerIndex::new(&catalogue, |_| 0);
    println!("12,000 instruments: {:?} to sort", begun.elapsed());
    for ticker in catalogue.all().step_by(997) {
        let hits = index.find(&ticker.name, 50);
        assert!(hits.iter().any(|hit| hit.id == ticker.id), "{}", ticker.name);
    }
    for (kind, typed) in [
        ("exact", "000400"),
        ("prefix", "삼성"),
        ("prefix", "s"),
        ("prefix", "north st"),
        ("initials", "ㅅㅅㅈ"),
        ("initials", "ㅅ"),
        ("word", "semiconductor"),
        ("part", "소프트"),
        ("words", "energy silver"),
        ("layout", "tkatjdwjswk"),
        ("typo", "삼송삼성전자"),
        ("typo", "granite bacon thereapeutics"),
        ("typo", "lerbity"),
        ("nothing", "오늘점심메뉴"),
    ] {
        let begun = Instant::now();
        let rounds = 20;
        let found = (0..rounds).map(|_| index.find(typed, 10).len()).max();
        println!(
            "{kind:8} {typed:28} {:>9.1} µs, {found:?} hits",
            begun.elapsed().as_secs_f64() * 1e6 / f64::from(rounds)
        );
    }
}
