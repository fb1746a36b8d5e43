//! Korean replies, and sentences that follow another one. The slots are those of [`super::text_ko`].

pub(crate) const REPLY_BULL: &[&str] = &[
    "저도 {n} {num2}주 들고 있어요. {target} 같이 가시죠",
    "동의. {driver} 보면 {n} {low|은} 다시 안 옴",
    "ㄹㅇ {reason_up} 이거 하나로 설명 끝{kk}",
    "{to}오 {driver} 얘기 공감. 저는 {num2}% 더 담았습니다",
    "반대 의견도 이해하는데 {buyer} 수급 {num}일째면 얘기 다르죠",
    "이 분 말 듣고 {n} 안 판 거 다행{kk} 수익 {bigpct}",
    "{to}맞는 말씀. {line} 지켜주면 더 사려고요",
    "그래서 저는 {price}에 {num2}주 추가했어요",
    "{bench} 비교까지 하니 설득력 있네. {n} 홀딩 갑니다",
    "숏 {num2}% 물린 분들이 더 급할걸요{kk}",
];

pub(crate) const REPLY_BEAR: &[&str] = &[
    "글쎄요 {reason_down} 생각하면 {n} {low}도 열어둬야 할 듯",
    "{to}근데 {driver|은} 이미 가격에 다 들어간 거 아님?",
    "저는 {price}에서 {num2}% 정리했어요. 마음이 편하네요",
    "{line} 깨지면 그때 다시 얘기합시다{tt}",
    "PER {per}배에 그 얘기는 좀... {m|이} 낫지 않나",
    "{num}개월 전에도 같은 얘기였는데 지금 {pct} 빠졌죠",
    "{to}{macro_bad} 한 방이면 다 소용없음",
    "물타기는 {num}번까지만 하세요{tt} 경험담입니다",
    "{buyer} 매도 {num}일째인데 이걸 산다고요?",
    "그 논리면 {n|은} 벌써 {target} 갔어야 함{kk}",
];

pub(crate) const REPLY_FLAT: &[&str] = &[
    "{to}혹시 {driver} 자료 출처 알 수 있을까요?",
    "정리 감사합니다. {q} 숫자도 부탁드려요",
    "ㅋㅋ{kk} {meal} 값 벌었네",
    "{to}오늘 댓글 중에 {num}등으로 웃김{kk}",
    "저만 {n} 없나요{tt} {num2}번 놓침",
    "그건 {m} 얘기 아닌가요? {n|은} {driver} 쪽인데",
    "평단 어디세요? 저는 {low|이라} {feel_me}",
    "{to}몇 주나 들고 계세요? 저는 {num2}주",
    "{feel_me}{kk} {num}년째 같은 마음",
    "댓글이 더 재밌네{kk} {n} 게시판 {feel}",
    "{lesson}, 이거 {num}번 적어두세요",
    "{macro_event} 지나고 다시 물어볼게요 {emoji}",
    "{to}{term}도 같이 봐야 하지 않을까요",
    "좋은 글 잘 봤습니다. {n} {line} 기준으로 저도 볼게요",
    "{react}{kk} {n} {react}",
    "{to}{react}{kk}",
    "{pct}면 {react} {emoji}",
    "{react} {react}{tt}",
    "헐 {pct}요? {react}",
    "{num2}만원 벌고 {meal} 쏘신다는 분 어디 가셨나요",
];

pub(crate) const MORE_BULL: &[&str] = &[
    "{reason_up}까지 생각하면 더 그렇고.",
    "{buyer} 수급도 {num}일째 좋음.",
    "{driver|은} 아직 {num2}%도 반영 안 됐다고 봄.",
    "{line} 지지 확인하고 {num2}% 더 담을 생각.",
    "작년 이맘때 {low}였던 거 생각하면 감개무량.",
    "{m} 오를 때 못 오른 거 이제 따라가는 거지.",
    "{bench} 대비 할인율이 {num2}%인데 이건 과하다.",
    "{q}부터는 {driver} 매출이 숫자로 찍힘.",
    "물론 {macro_bad} 변수는 있지만 {year} 보면 노이즈.",
    "목표가는 {target}, 서두르진 않음.",
];

pub(crate) const MORE_BEAR: &[&str] = &[
    "{reason_down}도 아직 안 끝났고.",
    "{buyer} 매도가 {num}일째 안 멈춤.",
    "{line} 못 지키면 {low}까지 공백임.",
    "{driver} 기대는 {num}개월 전에 끝났어야 함.",
    "반등 줘도 {target} 근처 매물이 너무 많다.",
    "{bench|은} 잘 가는데 우리만 왜 이럴까{tt}",
    "{q} 가이던스 {num2}% 깎일 거라는 얘기도 있음.",
    "손절은 빠를수록 싸다는 말을 {num2}번째 되새긴다.",
    "{macro_bad}까지 겹치면 답 없음.",
    "일단 현금 {num2}%, 나머지는 지켜보는 걸로.",
];

pub(crate) const MORE_FLAT: &[&str] = &[
    "{macro_event} 전까지는 관망.",
    "틀릴 수 있으니 참고만.",
    "{driver} 쪽 아시는 분 댓글 좀.",
    "거래대금이 평소보다 {num2}% 적다.",
    "{lesson}, 이건 안 변함.",
    "환율 {rate}원대면 계산이 또 달라지고.",
    "{m} 흐름도 같이 봐야 할 듯.",
    "공시 {num}번 읽었는데 {term} 부분이 핵심.",
    "오늘 {board|은} {feel}.",
    "지난 {num}분기 평균이 {pct}였음.",
    "일단 {line} 위에 있는지만 확인.",
    "비중은 {num2}% 넘기지 않기로.",
    "{sector|이랑} 같이 움직이는지도 체크.",
    "설비투자가 {num2}% 늘었다는 부분에 밑줄.",
    "옵션 만기 지나면 수급이 좀 풀리겠지.",
    "{buyer} 포지션이 {num}주 전이랑 반대라 흥미롭다.",
    "차트만 보면 {chart_up}, 숫자만 보면 아직 모름.",
    "반대로 {chart_down|이라}는 의견도 있다.",
    "일봉보다 주봉 {num2}개를 보는 게 낫더라.",
    "출근해서 일이나 하자{kk}",
];

pub(crate) const MORE_POLITE: &[&str] = &[
    "{macro_event} 전까지는 지켜보려고요.",
    "제 생각이 틀릴 수도 있어요.",
    "{driver} 쪽 아시는 분 댓글 부탁드려요.",
    "저는 일단 {num2}%만 들고 있습니다.",
    "{line} 위면 마음이 좀 편하더라고요.",
    "{m|은} 어떻게 보시나요?",
    "{lesson}, 늘 되새깁니다.",
    "환율 {rate}원이라 더 고민되네요.",
    "다들 성투하세요 {emoji}",
    "{num}년 차인데 아직도 어렵네요{tt}",
];
