"""Words from which the demo makes names: no person and no firm in it exists."""

SITE_FIRST_WORDS = (
    "Alder", "Ashlar", "Bramblewood", "Broadfleet", "Curlew", "Fenlight", "Foxglove", "Goosemarsh", "Greylag",
    "Hawthorn Way", "Heronsmere", "Kestrel", "Larksong", "Limewold", "Marram", "Meadowsweet", "Mill Drain",
    "Oatfield", "Old Staithe", "Osier", "Pear Tree", "Plover", "Redshank", "Reedmace", "Saltmarsh", "Samphire",
    "Sandbank", "Skylark", "Snipe", "Teal", "Thornholme", "Tidewater", "Turnstone", "Wagtail", "Wheatacre",
    "Willowherb",
)  # fmt: skip
"""Birds, plants and water of the county, for the pseudonyms of rated sites."""

SITE_SECOND_WORDS = (
    "Row", "Bank", "Lane", "Court", "Fields", "Gate", "Reach", "Hurst", "Green", "Point", "End", "Side",
)  # fmt: skip

PRACTICE_WORDS = (
    "Blue Door", "Two Rivers", "High Bridge", "Copper Beech", "Long Acre", "Northgate Steps", "Windmill Yard",
    "Green Kiln", "Little Wharf", "Drove End", "Chalk Stream", "Steep Hill Foot", "Market Cross", "Corn Loft",
    "Harbour Bell", "Seabank", "Lamp Post", "Cherry Holt", "Stone Bow", "Ropewalk", "Tulip Field", "Flax Mill",
    "Barley Mow", "Quiet Water", "Swing Bridge", "Fen Edge", "Horseshoe", "Bluebell", "Signal Box", "Orchard Gate",
    "Lock Keeper", "Sluice House", "Rookery", "Sheepwash", "Pinfold", "Beacon", "Hop Pole", "Cobbler", "Weir", "Ferry",
    "Buttercross", "Cattle Grid", "Dovecote", "Eastgate Pump", "Gravel Pit", "Hedge End", "Ivy Arch", "Jubilee Oak",
    "Lavender", "Milestone", "Nettle Bed", "Paddock",
)  # fmt: skip
"""For the synthetic practices, which no regulator rates."""

FIRST_NAMES = (
    "Ada", "Albert", "Alice", "Amir", "Anna", "Arthur", "Audrey", "Barbara", "Ben", "Beryl", "Bogdan", "Brian",
    "Carol", "Charles", "Chloe", "Clive", "Daniel", "David", "Denise", "Derek", "Diane", "Doreen", "Edith", "Elena",
    "Emma", "Eric", "Farah", "Fiona", "Frank", "Fred", "George", "Gillian", "Grace", "Gulsen", "Harold", "Harriet",
    "Hazel", "Helen", "Henry", "Ian", "Irene", "Ivy", "Jack", "Jana", "Janet", "Jean", "Joan", "John", "Joyce", "Karol",
    "Keith", "Kofi", "Laura", "Leonard", "Lily", "Linda", "Magda", "Margaret", "Maria", "Mary", "Maureen", "Mavis",
    "Megan", "Michael", "Muriel", "Nadia", "Nigel", "Norman", "Olive", "Omar", "Oscar", "Pamela", "Patrick", "Paul",
    "Pauline", "Peter", "Priya", "Rachel", "Ralph", "Raymond", "Rita", "Robert", "Roy", "Ruby", "Ruth", "Sandra",
    "Sheila", "Simon", "Stanley", "Stella", "Susan", "Sylvia", "Thelma", "Thomas", "Tomasz", "Vera", "Violet",
    "Walter", "Wendy", "William", "Yusuf", "Zofia",
)  # fmt: skip

LAST_NAMES = (
    "Abbott", "Ahmed", "Allenby", "Atkin", "Bains", "Barker", "Beecroft", "Blades", "Bontoft", "Brackenbury", "Brown",
    "Burrell", "Capes", "Chatterton", "Clarke", "Codd", "Coney", "Cook", "Cooper", "Cowham", "Cragg", "Dales", "Dawson",
    "Dobbs", "Drury", "Dymock", "East", "Elvidge", "Epton", "Fenwick", "Fieldsend", "Fowler", "Frow", "Garner",
    "Gaunt", "Gilliatt", "Goodhand", "Grant", "Green", "Hall", "Hanson", "Harness", "Hewson", "Hides", "Hodgson",
    "Holland", "Howsam", "Ingall", "Jackson", "Jessop", "Kaur", "Kemp", "Kime", "Kowalska", "Kyme", "Lamming", "Leake",
    "Lill", "Maltby", "Mawer", "Merrikin", "Moody", "Motley", "Nowak", "Odling", "Overton", "Palmer", "Patel",
    "Patchett", "Pell", "Petrescu", "Pinder", "Popple", "Rands", "Reeve", "Rhodes", "Robson", "Sardeson", "Scrimshaw",
    "Sharpe", "Skelton", "Smalley", "Spence", "Stamp", "Stanney", "Storr", "Tasker", "Temple", "Thorndike", "Todd",
    "Ullyatt", "Vickers", "Wakelin", "Walker", "Ward", "Wattam", "Weatherhogg", "Wells", "Whitehead", "Winn", "Wray",
)  # fmt: skip

SUPPORTERS = (
    "Care coordinator at the surgery", "Social prescribing link worker", "Community nurse", "Advocate", "Family carer",
)  # fmt: skip
"""Who stands by somebody with extra support. Their telephone numbers are of the range kept for drama."""

RATING_WORDS = {
    5: ("Kind and on time, every week.", "They listened to me.", "Easy to get to, and never in a hurry.", ""),
    4: ("Good people, but the waiting room is cold.", "Helpful from the first day.", ""),
    3: ("All right. It was a different person each time.", ""),
    2: ("They changed my time twice without asking.", ""),
    1: ("Nobody told me that my visit was cancelled.",),
}
"""What somebody may write who gives so many stars; some write nothing."""
