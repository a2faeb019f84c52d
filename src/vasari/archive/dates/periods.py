"""Dynasties, reigns and periods that date texts name instead of years.

First and last years as reference works give them (Chinese reigns begin with the year in which their era
name was first used); names as they are written in English, French, German, Italian, Russian and Chinese.
Years before Christ are negative, as catalogs write them.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Period:
    """A named span of years, both included; `reign` marks an era whose years are counted (乾隆二十年)."""

    first: int
    last: int
    names: tuple[str, ...]
    reign: bool = False


PERIODS: tuple[Period, ...] = (
    # China: dynasties
    Period(-2070, -1600, ("xia dynasty", "夏代", "夏朝")),
    Period(-1600, -1046, ("shang dynasty", "shang", "dynastie shang", "shang-dynastie", "шан", "商代", "商朝", "商")),
    Period(-1046, -256, ("zhou dynasty", "zhou", "chou", "чжоу", "周代", "周朝", "周")),
    Period(-1046, -771, ("western zhou", "zhou occidentaux", "западная чжоу", "西周")),
    Period(-770, -256, ("eastern zhou", "zhou orientaux", "восточная чжоу", "东周", "東周")),
    Period(-770, -476, ("spring and autumn period", "spring and autumn", "printemps et automnes", "春秋")),
    Period(-475, -221, ("warring states period", "warring states", "royaumes combattants", "战国", "戰國")),
    Period(-221, -207, ("qin dynasty", "qin", "цинь", "秦代", "秦朝", "秦")),
    Period(-206, 220, ("han dynasty", "han", "хань", "汉代", "漢代", "汉朝", "漢朝", "汉", "漢")),
    Period(-206, 9, ("western han", "han occidentaux", "западная хань", "西汉", "西漢")),
    Period(25, 220, ("eastern han", "han orientaux", "восточная хань", "东汉", "東漢")),
    Period(220, 280, ("three kingdoms", "trois royaumes", "三国", "三國")),
    Period(265, 420, ("晋代", "晉代", "晋", "晉")),
    Period(265, 316, ("western jin", "西晋", "西晉")),
    Period(317, 420, ("eastern jin", "东晋", "東晉")),
    Period(420, 589, ("southern and northern dynasties", "northern and southern dynasties", "南北朝")),
    Period(386, 534, ("northern wei", "wei du nord", "северная вэй", "北魏")),
    Period(550, 577, ("northern qi", "qi du nord", "северная ци", "北齐", "北齊")),
    Period(581, 618, ("sui dynasty", "sui", "суй", "隋代", "隋朝", "隋")),
    Period(618, 907, ("tang dynasty", "tang", "t'ang", "тан", "唐代", "唐朝", "唐")),
    Period(907, 960, ("five dynasties", "cinq dynasties", "пять династий", "五代", "五代十国", "五代十國")),
    Period(907, 1125, ("liao dynasty", "liao", "ляо", "辽代", "遼代", "辽朝", "辽", "遼")),
    Period(960, 1279, ("song dynasty", "song", "sung", "dynastie song", "сун", "宋代", "宋朝", "宋")),
    Period(960, 1127, ("northern song", "song du nord", "nördliche song", "северная сун", "北宋")),
    Period(1127, 1279, ("southern song", "song du sud", "südliche song", "южная сун", "南宋")),
    Period(1115, 1234, ("jin dynasty", "цзинь", "金代", "金朝")),
    Period(1038, 1227, ("western xia", "西夏")),
    Period(1271, 1368, ("yuan dynasty", "yuan", "юань", "元代", "元朝", "元")),
    Period(1368, 1644, ("ming dynasty", "ming", "мин", "明代", "明朝", "明")),
    Period(1644, 1911, ("qing dynasty", "qing", "ch'ing", "цин", "清代", "清朝", "清")),
    Period(1912, 1949, ("republic of china", "republican period", "民国", "民國"), reign=True),
    Period(1949, 2100, ("people's republic of china", "中华人民共和国", "中華人民共和國")),
    # China: era names
    Period(1341, 1368, ("zhizheng", "至正", "元至正"), reign=True),
    Period(1368, 1398, ("hongwu", "хунъу", "洪武"), reign=True),
    Period(1403, 1424, ("yongle", "юнлэ", "永乐", "永樂"), reign=True),
    Period(1426, 1435, ("xuande", "сюаньдэ", "宣德"), reign=True),
    Period(1436, 1449, ("zhengtong", "чжэнтун", "正统", "正統"), reign=True),
    Period(1450, 1457, ("jingtai", "цзинтай", "景泰"), reign=True),
    Period(1457, 1464, ("tianshun", "тяньшунь", "天顺", "天順"), reign=True),
    Period(1465, 1487, ("chenghua", "чэнхуа", "成化"), reign=True),
    Period(1488, 1505, ("hongzhi", "хунчжи", "弘治"), reign=True),
    Period(1506, 1521, ("zhengde", "чжэндэ", "正德"), reign=True),
    Period(1522, 1566, ("jiajing", "цзяцзин", "嘉靖"), reign=True),
    Period(1567, 1572, ("longqing", "лунцин", "隆庆", "隆慶"), reign=True),
    Period(1573, 1620, ("wanli", "ваньли", "万历", "萬曆"), reign=True),
    Period(1621, 1627, ("tianqi", "тяньци", "天启", "天啟"), reign=True),
    Period(1628, 1644, ("chongzhen", "чунчжэнь", "崇祯", "崇禎"), reign=True),
    Period(1644, 1661, ("shunzhi", "шуньчжи", "顺治", "順治"), reign=True),
    Period(1662, 1722, ("kangxi", "k'ang-hsi", "канси", "康熙"), reign=True),
    Period(1723, 1735, ("yongzheng", "юнчжэн", "雍正"), reign=True),
    Period(1736, 1795, ("qianlong", "ch'ien-lung", "цяньлун", "乾隆"), reign=True),
    Period(1796, 1820, ("jiaqing", "цзяцин", "嘉庆", "嘉慶"), reign=True),
    Period(1821, 1850, ("daoguang", "даогуан", "道光"), reign=True),
    Period(1851, 1861, ("xianfeng", "сяньфэн", "咸丰", "咸豐"), reign=True),
    Period(1862, 1874, ("tongzhi", "тунчжи", "同治"), reign=True),
    Period(1875, 1908, ("guangxu", "гуансюй", "光绪", "光緒"), reign=True),
    Period(1909, 1911, ("xuantong", "сюаньтун", "宣统", "宣統"), reign=True),
    # Japan and Korea
    Period(538, 710, ("asuka period", "asuka", "асука", "飞鸟", "飛鳥")),
    Period(710, 794, ("nara period", "nara", "нара", "奈良")),
    Period(794, 1185, ("heian period", "heian", "хэйан", "平安")),
    Period(1185, 1333, ("kamakura period", "kamakura", "камакура", "镰仓", "鎌倉")),
    Period(1336, 1573, ("muromachi period", "muromachi", "муромати", "室町")),
    Period(1573, 1615, ("momoyama period", "momoyama", "азути-момояма", "момояма", "桃山")),
    Period(1615, 1868, ("edo period", "edo", "epoque edo", "эдо", "江户", "江戶", "江戸")),
    Period(1868, 1912, ("meiji period", "meiji", "мэйдзи", "明治"), reign=True),
    Period(1912, 1926, ("taisho period", "taisho", "тайсё", "大正"), reign=True),
    Period(1926, 1989, ("showa period", "showa", "сёва", "昭和"), reign=True),
    Period(-57, 935, ("silla", "силла", "新罗", "新羅")),
    Period(918, 1392, ("goryeo", "koryo", "корё", "高丽", "高麗")),
    Period(1392, 1910, ("joseon", "choson", "чосон", "朝鲜王朝", "朝鮮王朝")),
    # The Islamic world and India
    Period(661, 750, ("umayyad", "omeyyade", "umayyaden", "омейяды")),
    Period(750, 1258, ("abbasid", "abbasside", "abbasiden", "аббасиды")),
    Period(909, 1171, ("fatimid", "fatimide", "fatimiden", "фатимиды")),
    Period(1250, 1517, ("mamluk", "mamelouk", "mamelouke", "mamluken", "мамлюки")),
    Period(1370, 1507, ("timurid", "timouride", "timuriden", "тимуриды")),
    Period(1501, 1722, ("safavid", "safavide", "safawiden", "сефевиды")),
    Period(1299, 1922, ("ottoman", "ottomane", "osmanisch", "османская империя")),
    Period(1526, 1857, ("mughal", "moghol", "moghole", "mogul", "великие моголы")),
    Period(1789, 1925, ("qajar", "kadjar", "kadschar", "каджары")),
    # Egypt, Greece, Rome
    Period(-2649, -2150, ("old kingdom", "ancien empire", "altes reich", "antico regno", "древнее царство")),
    Period(-2030, -1640, ("middle kingdom", "moyen empire", "mittleres reich", "medio regno", "среднее царство")),
    Period(-1550, -1070, ("new kingdom", "nouvel empire", "neues reich", "nuovo regno", "новое царство")),
    Period(-304, -30, ("ptolemaic", "époque ptolémaïque", "ptolemäisch", "tolemaico")),
    Period(-323, -31, ("hellenistic", "époque hellénistique", "hellenistisch", "ellenistico", "эллинизм")),
    # Europe: reigns and regimes
    Period(1558, 1603, ("elizabethan", "élisabéthain", "elisabethanisch")),
    Period(1603, 1625, ("jacobean",)),
    Period(1714, 1830, ("georgian", "georgien")),
    Period(1811, 1820, ("regency", "regency period")),
    Period(1837, 1901, ("victorian", "victorien", "viktorianisch", "vittoriano", "викторианская эпоха")),
    Period(1901, 1910, ("edwardian", "édouardien")),
    Period(1515, 1547, ("françois ier", "francois i", "françois 1er")),
    Period(1589, 1610, ("henri iv",)),
    Period(1610, 1643, ("louis xiii", "ludwig xiii", "luigi xiii", "людовик xiii")),
    Period(1643, 1715, ("louis xiv", "ludwig xiv", "luigi xiv", "людовик xiv")),
    Period(1715, 1723, ("régence",)),
    Period(1715, 1774, ("louis xv", "ludwig xv", "luigi xv", "людовик xv")),
    Period(1774, 1792, ("louis xvi", "ludwig xvi", "luigi xvi", "людовик xvi")),
    Period(1795, 1799, ("directoire",)),
    Period(1804, 1815, ("premier empire", "first empire", "1er empire")),
    Period(1815, 1830, ("bourbon restoration",)),
    Period(1830, 1848, ("louis-philippe", "louis philippe", "monarchie de juillet")),
    Period(1852, 1870, ("second empire", "2nd empire", "secondo impero", "napoléon iii", "вторая империя")),
    Period(1871, 1914, ("belle époque",)),
    Period(1815, 1848, ("biedermeier", "бидермейер")),
    Period(1871, 1918, ("kaiserreich", "wilhelminisch")),
    Period(1918, 1933, ("weimarer republik", "weimar republic")),
    Period(1682, 1725, ("петр i", "петра i", "петр великий", "петровская эпоха")),
    Period(1741, 1762, ("елизавета петровна", "елизаветы петровны")),
    Period(1762, 1796, ("екатерина ii", "екатерины ii", "екатерининская эпоха", "catherine the great")),
    Period(1801, 1825, ("александр i", "александра i")),
    Period(1825, 1855, ("николай i", "николая i")),
    Period(1855, 1881, ("александр ii", "александра ii")),
    Period(1881, 1894, ("александр iii", "александра iii")),
    Period(1894, 1917, ("николай ii", "николая ii")),
)
