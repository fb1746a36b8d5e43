//! What the rules of `claims` look for, and what makes them step aside. In the patterns `<N>` stands for a
//! number and `<P>` for a Korean per-cent sign; all ignore case.

use super::claims::Doubt;

/// `<N>`.
pub(super) const NUMBER: &str = r"\d[\d,]*(?:\.\d+)?";
/// `<P>`.
pub(super) const SHARE: &str = r"\s*(?:%|％|퍼센트|퍼|프로)";

/// Name, whether it is Korean, how much it doubts, pattern; `<N>` is a number, `<P>` a per-cent sign.
pub(super) const PATTERNS: &[(&str, bool, Doubt, &str)] = &[
    (
        "return_stated",
        true,
        Doubt::Figures,
        r"수익[률율]?\s*(?:이|은|는|도|만|[:=])?\s*(?:약|무려|벌써|대략|거의|총|현재|지금)?\s*[+＋]?\s*<N>(?:<P>|\s*배)",
    ),
    (
        "percent_taken",
        true,
        Doubt::Figures,
        r"<N><P>\s*(?:정도|넘게|이상|가까이|이나|나|를|을|의|대|쯤)?\s*(?:수익\s*(?:중|챙겼|봤|보고|냈|내고|났|나고|실현|입니다|이에요|이네|달성|인증|을 (?:봤|냈|올렸|거뒀)|률|율|$|[ㅋㅎ!~.])|먹었|먹음|먹고|벌었|벌어[요서]|벌고|벌음|법니다|익절|이득 ?(?:봤|보고|봄)|챙겼|챙김|땄|실현|찍었|찍음|찍고)",
    ),
    ("percent_taken", true, Doubt::Always, r"익절\S*\s*(?:\S+\s+)?[+＋]?<N><P>"),
    (
        "multiple",
        true,
        Doubt::Always,
        r"(?:<N>|두|세|네|다섯|여섯|열|몇|수십|수백)\s*배\s*(?:나|로|를|을|정도|넘게|이상|가까이)?\s*(?:먹었|먹음|먹고|벌었|벌음|벌고 있|수익|익절|불렸|튀겼|챙겼)",
    ),
    (
        "multiple",
        true,
        Doubt::Always,
        r"(?:계좌|원금|시드|자산|투자금|내 돈|제 돈)\S*\s*(?:\S+\s+){0,3}?(?:<N>|두|세|네|다섯|열|몇)\s*배(?:가|로|나)?\s*(?:됐|되었|됨|찍|불|만들|늘)",
    ),
    (
        "amount",
        true,
        Doubt::Always,
        r"(?:<N>|몇|수)\s*(?:억|천만|백만|십만|만|천|백)?\s*(?:<N>\s*(?:만|천만|천))?\s*(?:원|달러|불)?\s*(?:정도|넘게|이상|가까이|이나|나|을|를|씩|쯤)?\s*(?:순?수익\s*(?:봤|보고|냈|내고|났|나고|올렸|실현|중|입니다|이에요|이네|챙겼|$|[ㅋㅎ!~.])|벌었|벌어요|벌고|벌음|법니다|먹었(?:습|어|다|네|음)|먹음|먹고|만들었|익절|챙겼|챙김|땄)",
    ),
    (
        "proof",
        true,
        Doubt::Bold,
        r"(?:수익[률율]?|수익금|계좌|익절|잔고|실현\s*손익)\s*(?:화면|내역|사진)?\s*(?:을|를)?\s*(?:인증|캡처|캡쳐|스샷|스크린샷|공개(?:합니다|해요|함|할게|드립니다|드려요))",
    ),
    (
        "mine",
        true,
        Doubt::Figures,
        r"(?:^|[^가-힣])(?:제|내|저의|나의|우리)\s*(?:계좌|포트폴리오|포트|잔고|수익[률율])\S*\s*(?:\S+\s+){0,3}?(?:[+＋]|플러스)?\s*<N><P>",
    ),
    (
        "plus",
        true,
        Doubt::Figures,
        r"(?:[+＋]|플러스)\s*<N><P>\s*(?:수익|인증|익절|먹|달성|중입니다|구간|찍)",
    ),
    (
        "amount_stated",
        true,
        Doubt::Figures,
        r"(?:수익금?|실현\s*손익|순수익)\s*(?:은|이|만|:|=|총)?\s*[+＋]?\s*<N>\s*(?:억|천만|백만|만|천)\s*(?:원|달러)?",
    ),
    (
        "above_cost",
        true,
        Doubt::Always,
        r"평단\s*(?:대비|에서|보다)\s*[+＋]?\s*<N><P>\s*(?:넘게|이상|정도|가까이)?\s*(?:올랐|상승|수익|위|플러스)",
    ),
    ("digits", true, Doubt::Figures, r"수익[률율]\s*(?:두|세|네|2|3|4)\s*자[리릿]수"),
    ("limit_up", true, Doubt::Always, r"상한가\S*\s*(?:\S+\s+){0,2}?(?:먹었|먹음|먹고)"),
    ("bagger", true, Doubt::Always, r"(?:텐|<N>\s*)(?:배거|루타)\s*(?:를|을)?\s*(?:달성|먹|성공|했|찍|쳤)"),
    ("money_copied", true, Doubt::Always, r"돈\s*복사\s*(?:중|했|됐|성공|되는 중|하는 중)"),
    (
        "made",
        false,
        Doubt::Always,
        r"(?:^\W*|\b(?:i|we|i've|we've|ive|just|already|finally|easily|also)\s+(?:\w+\s+){0,2}?)(?:made|earned|banked|pocketed|netted|gained|bagged|cleared|grabbed|scored|profited|booked|nailed|won)\s+(?:(?:me|us|a|an|over|about|almost|nearly|around|another|nice|quick|cool|easy|solid|more|than|roughly|like|my|in|profits?|of)\s+){0,4}(?:[+~]?<N>\s*(?:%|percent\b|x\b|k\b|grand\b|bucks\b|dollars\b|million\b)|\+?\$<N>\s*[km]?\b)",
    ),
    (
        "up",
        false,
        Doubt::Figures,
        r"\b(?:i am|i'm|im|we are|we're|i was|we were|puts me|puts us)\s+(?:(?:already|still|now|currently|sitting|personally|basically|officially)\s+){0,2}(?:up|sitting (?:on|at)|on|at)\s+(?:(?:over|about|almost|nearly|around|more|than|like|a)\s+){0,2}\+?\$?<N>\s*(?:%|percent\b|k\b|x\b)(?:\s+(?:gains?|profits?|returns?)|)",
    ),
    (
        "up",
        false,
        Doubt::Figures,
        r"^\W*(?:(?:already|now|currently|still|finally)\s+)?up\s+(?:(?:over|about|almost|nearly|around|more|than)\s+){0,2}\+?<N>\s*(?:%|percent)\s+(?:this (?:year|month|week|trade|position)|all[- ]time|so far this|since (?:i|my|entry)|on (?:my|this|the) |in my)",
    ),
    (
        "up",
        false,
        Doubt::Figures,
        r"^\W*(?:total\s+)?(?:portfolio|account)\s+(?:is\s+)?(?:now\s+)?up\s+\+?<N>\s*%|\bup\s+\+?\$?<N>\s*(?:%|k\b)\s+(?:in|on) my\b|^\W*up \$?<N>\s*k (?:on|for) (?:the|this) (?:day|week|month|year)",
    ),
    (
        "paid_me",
        false,
        Doubt::Always,
        r"\b(?:made|paid|earned|netted|got)\s+(?:me|us)\s+(?:(?:over|about|almost|nearly|a|another)\s+){0,2}(?:\+?<N>\s*(?:%|percent\b|x\b|k\b)|\$<N>)",
    ),
    (
        "green",
        false,
        Doubt::Always,
        r"\b(?:green|winning|profitable|great|good) (?:day|week|month)\b[^.!?]{0,20}\+\s*(?:\$<N>|<N>\s*%)",
    ),
    (
        "took",
        false,
        Doubt::Always,
        r"\b(?:closed|sold|exited|covered|out of)\s+(?:[\w$'/-]+\s+){0,4}?(?:for|at|with)\s+(?:a\s+)?\+<N>\s*%|\btook (?:my |some )?(?:profits?|gains?)\b[^.!?]{0,30}\+\s*<N>\s*%|\b(?:scalped|flipped|rode|swung)\s+(?:[\w$'/-]+\s+){0,4}?(?:for|to)\s+(?:a\s+)?\+?<N>\s*%",
    ),
    (
        "bagger",
        false,
        Doubt::Always,
        r"\b(?:hit|got|caught|had|my)\s+(?:(?:a|my|another|first|own)\s+){0,2}(?:<N>|two|three|five|ten)[\s-]?bagger",
    ),
    (
        "stated",
        false,
        Doubt::Figures,
        r"\bmy (?:total |overall )?(?:returns?|roi|gains?|profits?|p&l|pnl)\b\s*(?:is|are|was|were|of|:|this \w+:?)?\s*(?:\+?<N>\s*%|\+?\$<N>)|\bmy (?:account|portfolio|\$?<N>k?)\s+(?:went|grew)\s+from\s+\$?<N>",
    ),
    ("gain_on", false, Doubt::Always, r"\+\s*<N>\s*%\s+on (?:my|this trade|the trade|that trade|our)\b"),
    (
        "ours",
        false,
        Doubt::Figures,
        r"\b(?:my|our)\b[^.!?]{0,60}?\b(?:picks?|members?|subscribers?|roth|holdings|calls?|puts|trades?|alerts?|portfolio|accounts?|positions?|ideas?|options?|returns?|gains?|profits?|p&l|pnl|entry|roi|ira|401k)\b[^.!?]{0,40}?(?:\bup\b|\bgain(?:ed|s|ing)?\b|\bmade\b|\breturned\b|\bprofit(?:s|ed)?\b|\breturns?\b(?: is| was| of|:)|\broi\b(?: is| was| of|:)|\bhit\b|\+|:)[^.!?]{0,25}?\+?<N>\s*(?:%|percent\b|x\b)",
    ),
    (
        "took",
        false,
        Doubt::Always,
        r"\b(?:took|taking|locked|locking|booked|cashed|closed|sold|exited|covered|out)\s+(?:[\w$'/-]+\s+){0,6}?\+?\$?<N>\s*(?:%|percent\b|k\b|x\b)?\s*(?:gains?|profits?|winner|return|win)\b",
    ),
    (
        "took",
        false,
        Doubt::Always,
        r"\b(?:closed|sold|exited|covered|out of)\s+(?:my|half|all|the rest|some)\s+(?:[\w$'/-]+\s+){0,5}?(?:for|at|with|up)\s+(?:a\s+)?\+?<N>\s*(?:%|percent\b|x\b)",
    ),
    (
        "gain_on",
        false,
        Doubt::Always,
        r"\+?<N>\s*(?:%|percent)\s+(?:gains?|profits?|returns?|winner)\s+(?:on (?:my|this trade|the trade|that trade|these|our)|for (?:me|us)\b|in my|we (?:just )?(?:made|took|booked))",
    ),
    (
        "multiplied",
        false,
        Doubt::Always,
        r"\b(?:doubled|tripled|quadrupled|\d+x'?e?d)\s+(?:up\s+)?(?:my|our)\s+(?:money|account|portfolio|investment|capital|stack|initial)|\bturned\s+(?:my\s+)?\$?<N>\s*[km]?\s+into\s+\$?<N>",
    ),
    (
        "proof",
        false,
        Doubt::Bold,
        r"\bproof of (?:my |our )?(?:profits?|gains?|returns?)|\b(?:screen\s?shots?|pics?|pictures?|snapshots?) of (?:my|our) (?:account|portfolio|gains?|profits?|p&l|pnl|returns?|brokerage|positions?|balance)|\bgain porn\b|\b(?:profits?|gains?|p&l|pnl) screen\s?shots?|\bhere(?:'s| is| are) my (?:p&l|pnl|gains?|returns?|profits?)",
    ),
];

/// Proof that is asked for, staged, or of something else: identity checks, warnings, prohibitions.
pub(super) const WARNING: &str = r"인증\s*(?:번호|서|절차|방법|오류|실패|문자|코드|기관|이벤트|하라|하래|해야|해 ?보|좀|안\s*(?:되|돼|됨)|이 안|을 요구|요구|필요|없이|없는|충|금지|글 ?금지|조작|은 (?:사기|가짜|조작|믿)|하는 (?:사람|놈|애|분|글|사이트)|하시는|하면)|본인\s*인증|1원|조심|주의하|속지|믿지|사기|허위|조작|가짜|거짓|캡[처쳐] ?금지|\b(?:fake|scam|photoshop(?:ped)?|beware|don't believe|never trust)\b";

pub(super) const KOREAN_UNREAL: &str = r"싶|으면|(?:%|퍼|프로|배|[만억천]원?)(?:면|라면|이면)|[하되나오]면\s|면 좋|려면|려고|고자|목표|기대|예상|전망|만약|혹시|가정|바라|희망|예정|[벌먹낼볼] ?수|겠|어야|[벌먹]자|벌게|꿈|계획|텐데|[었았했]을|줄 알|더라면|얼마|나요|까요|인가요|는지|은가|ㄴ가|어떻게|가능|못\s*(?:벌|먹|했|봤|냈)|안 (?:벌|먹|났)|없|아니|않|말이 안|하려|할 것|될 것|이라면|다면|라면|광고|스팸|소설|라고 (?:하는|한다|해서|주장|떠드)|다는\s|다고\s|다던|대요|래요|답니다|다더라|댄다|란다|놓쳤|놓친";

pub(super) const KOREAN_OTHERS: &str = r"(?:친구|지인|형|형님|누나|언니|오빠|동생|남편|아내|와이프|아버지|어머니|아빠|엄마|삼촌|이모|부모님|상사|부장|부장님|팀장|팀장님|과장|대리|동료|선배|후배|사람|사람들|누구|누군가|걔|쟤|얘|그분|남|남들|다들|분|분들|버핏|버크셔|슈퍼개미|고수|기관|외국인|외인|연기금|국민연금|펀드|사모펀드|헤지펀드|은행|증권사|ETF|지수|대주주|회장|임원|유튜버|작전|세력|회사|기업|업체|그룹|정부|공매도|개미들|큰손|투자자|투자자들|전자|하이닉스|카카오|네이버|테슬라|애플|엔비디아|현대차|머스크|조합|재단|작가|직원|직원들|딸|아들|애널|애널리스트|옆자리|옆집|코스피|코스닥|나스닥|비트코인|코인)(?:이|가|은|는|도|들이|들은|께서|네|의)\s";

pub(super) const KOREAN_FIGURES: &str = r"영업이익|매출|순이익|당기|주가|판매|점유율|수수료|금리|배당|이자|세금|세율|물가|성장률|환율|마진|이익률|지수|코스피|코스닥|나스닥|다우|국채|채권|예금|적금|임대|부동산|분양|분기|실적|연금|펀드|전년|전분기|ROE|ROA|PER|연평균|역사적|시장 수익|벤치마크|업종|섹터|평균 수익|무위험|영업|공시|상장|공모가|종가|시가|장중|시총|시가총액|할인|청약|손실|마이너스|물렸|빠졌|빠짐|깎|하락|떨어|까먹|날[렸아]|녹았|녹는";

pub(super) const KOREAN_SELF: &str = r"(?:^|[^가-힣])(?:저는|제가|나는|난|내가|나도|저도|전|제|내)\s";

pub(super) const ENGLISH_UNREAL: &str = r"\b(?:would|could|should|might|may|if|want|wanna|wish|hope|hoping|targets?|goal|aim|plan|can|will|won't|gonna|going to|looking for|expect|expecting|potential|potentially|possible|how to|how|never|didn't|don't|not|nobody|imagine|need|trying|try|lost|losing|loss|losses|down|missed|told|says|said|claims?|on track)\b|'d have|'d be|\b(?:i|we)'ll\b";

pub(super) const ENGLISH_OTHERS: &str = r"\b(?:he|she|they|his|her|their|friend|buddy|brother|wife|husband|dad|mom|boss|buffett|icahn|ackman|soros|einhorn|funds?|hedge|company|ceo|someone|somebody|people|guys?|insiders?|analysts?|shareholders|traders|congress|pelosi|bears|bulls|apple|google|amazon|facebook|tesla|microsoft|billion|bn|stocks?|shares|etf|nasdaq|dow|s&p)\b|\$\d[\d.,]*\s*b";

pub(super) const ENGLISH_FIGURES: &str = r"\b(?:revenues?|sales|eps|net income|quarterly|quarter|q[1-4]|dividends?|fees?|interest|yields?|margins?|guidance|yoy|year over year|billion|market share|subscribers grew|users|cash|normal volume)\b|\$\d[\d.,]*\s*b";

pub(super) const ENGLISH_SELF: &str = r"\b(?:i|we|my|our|me|us|i'm|i've|we're|we've|im|ive)\b";
