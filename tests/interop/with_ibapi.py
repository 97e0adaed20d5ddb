"""The official Python client, of either generation, against the gateway: python3 with_ibapi.py HOST PORT VERSION

PYTHONPATH says which: the last one on PyPI speaks text at version 157, the recent ones protobuf.
"""
import sys
import threading
import types

import ibapi.client
from checks import check, near, require, until
from ibapi.client import EClient
from ibapi.contract import Contract
from ibapi.execution import ExecutionFilter
from ibapi.order import Order
from ibapi.order_condition import PriceCondition
from ibapi.tag_value import TagValue
from ibapi.wrapper import EWrapper

HOST, PORT, VERSION = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
CLIENT = 31
if VERSION < 200:
    # The recent one speaks text too, where it is told so early.
    ibapi.client.MAX_CLIENT_VER = VERSION
ACCOUNTS = ["DU100001", "DU100002"]
ACCOUNT = ACCOUNTS[0]


def recorder(name):
    def told(self, *args):
        self.calls.append((name, args))

    return told


class Client(EWrapper, EClient):
    """Writes down every call of the wrapper."""

    def __init__(self):
        EWrapper.__init__(self)
        EClient.__init__(self, self)
        self.calls = []

    def start(self):
        self.connect(HOST, PORT, CLIENT)
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def stop(self):
        self.disconnect()
        self.thread.join(30)

    def told(self, name, since=0):
        return [args for called, args in self.calls[since:] if called == name]

    def errors(self, *codes, since=0):
        """(id, code, words) of these codes: the recent client puts a time after the id."""
        found = [
            (args[0], args[2], args[3]) if len(args) == 5 else (args[0], args[1], args[2])
            for args in self.told("error", since)
        ]
        return [error for error in found if error[1] in codes]


for name, member in list(vars(EWrapper).items()):
    if isinstance(member, types.FunctionType) and not name.startswith("_") and not name.endswith("ProtoBuf"):
        setattr(Client, name, recorder(name))

client = Client()
number = 9000


def request():
    global number
    number += 1
    return number


def last_calls():
    return client.calls[-8:]


def wait(ready, what=last_calls):
    return until(ready, what)


def contract(symbol="AAPL", con_id=0):
    made = Contract()
    made.symbol, made.secType, made.exchange, made.currency = symbol, "STK", "SMART", "USD"
    made.conId = con_id
    return made


def order(action, quantity, kind="LMT", price=None, **more):
    made = Order()
    made.action, made.totalQuantity, made.orderType = action, quantity, kind
    made.account, made.tif = ACCOUNT, "DAY"
    if price is not None:
        made.lmtPrice = price
    for name, value in more.items():
        setattr(made, name, value)
    # The older client's orders ask for this by default, and gateways of today refuse it.
    made.eTradeOnly, made.firmQuoteOnly = False, False
    return made


class Ids:
    next = None


def order_id():
    Ids.next += 1
    return Ids.next - 1


def place(made):
    number = order_id()
    client.placeOrder(number, AAPL, made)
    return number


def cancel(number):
    try:
        from ibapi.order_cancel import OrderCancel
    except ImportError:
        client.cancelOrder(number)
    else:
        client.cancelOrder(number, OrderCancel())


def states(number, since=0):
    """(status, filled, remaining) as told of an order."""
    return [(a[1], float(a[2]), float(a[3])) for a in client.told("orderStatus", since) if a[0] == number]


def reaches(number, *wanted, since=0):
    told = lambda: [state for state in states(number, since) if state[0] in wanted]
    return wait(told, lambda: f"{wanted} of {number}: {states(number)}; {last_calls()}")[-1]


def open_orders():
    since = len(client.calls)
    client.reqOpenOrders()
    wait(lambda: client.told("openOrderEnd", since))
    return {args[0]: args for args in client.told("openOrder", since)}


def executions(**asked):
    made, since, number = ExecutionFilter(), len(client.calls), request()
    for name, value in asked.items():
        setattr(made, name, value)
    client.reqExecutions(number, made)
    wait(lambda: (number,) in client.told("execDetailsEnd", since))
    return [args for args in client.told("execDetails", since) if args[0] == number]


def positions():
    since = len(client.calls)
    client.reqPositions()
    wait(lambda: client.told("positionEnd", since))
    found = {args[1].symbol: float(args[2]) for args in client.told("position", since) if args[0] == ACCOUNT}
    client.cancelPositions()
    return found


def commissions():
    names = ("commissionReport", "commissionAndFeesReport")
    reports = [args[0] for called, args in client.calls if called in names]
    cost = lambda report: getattr(report, "commission", None) or getattr(report, "commissionAndFees", 0)
    return {report.execId: cost(report) for report in reports}


with check(f"connect, version {VERSION}, accounts, next id"):
    client.start()
    require(client.serverVersion() == VERSION, client.serverVersion())
    wait(lambda: client.told("managedAccounts") and client.told("nextValidId"))
    require(client.told("managedAccounts")[0][0].split(",") == ACCOUNTS, client.calls)
    Ids.next = client.told("nextValidId")[0][0]
    require(Ids.next >= 1, Ids.next)
    wait(lambda: client.errors(2104))

with check("positions and account values"):
    require(positions() == {}, positions())
    client.reqAccountUpdates(True, ACCOUNT)
    wait(lambda: client.told("accountDownloadEnd"))
    values = {args[0]: args[1] for args in client.told("updateAccountValue") if args[3] == ACCOUNT}
    require(float(values["NetLiquidation"]) > 0 and "BuyingPower" in values, values)
    require(client.told("updateAccountTime"), "no time")

with check("account summary"):
    number = request()
    client.reqAccountSummary(number, "All", "NetLiquidation,TotalCashValue")
    wait(lambda: (number,) in client.told("accountSummaryEnd"))
    rows = client.told("accountSummary")
    require({row[1] for row in rows} == set(ACCOUNTS), rows)
    require({row[2] for row in rows} == {"NetLiquidation", "TotalCashValue"}, rows)
    client.cancelAccountSummary(number)

with check("contract details"):
    number = request()
    client.reqContractDetails(number, contract())
    wait(lambda: (number,) in client.told("contractDetailsEnd"))
    found = [args[1] for args in client.told("contractDetails") if args[0] == number]
    require(len(found) == 1, found)
    details = found[0]
    AAPL, TICK = details.contract, float(details.minTick)
    require(AAPL.conId > 0 and AAPL.symbol == "AAPL" and AAPL.primaryExchange == "NASDAQ", AAPL)
    require(TICK == 0.01 and details.longName == "Apple Inc." and details.timeZoneId, vars(details))
    require(details.stockType, vars(details))
    number = request()
    client.reqContractDetails(number, contract("NOSUCH"))
    wait(lambda: [error for error in client.errors(200) if error[0] == number])

with check("market rule"):
    client.reqMarketRule(int(details.marketRuleIds.split(",")[0]))
    wait(lambda: client.told("marketRule"))
    require(any(step.increment == TICK for step in client.told("marketRule")[0][1]), client.told("marketRule"))

with check("symbol search"):
    client.reqMatchingSymbols(request(), "AAP")
    wait(lambda: client.told("symbolSamples"))
    found = [sample.contract.conId for sample in client.told("symbolSamples")[0][1]]
    require(AAPL.conId in found, found)

with check("exchanges of depth, no options, the server's time"):
    client.reqMktDepthExchanges()
    client.reqSecDefOptParams(request(), "AAPL", "", "STK", AAPL.conId)
    client.reqCurrentTime()
    wait(lambda: client.told("mktDepthExchanges") and client.told("currentTime"))
    wait(lambda: client.told("securityDefinitionOptionParameterEnd"))
    require(any(row.exchange == "SMART" for row in client.told("mktDepthExchanges")[0][0]), "no SMART")
    require(client.told("currentTime")[0][0] > 1_577_836_800, client.told("currentTime"))

with check("market data"):
    number = request()
    client.reqMktData(number, AAPL, "", False, False, [])
    price = lambda kind: [args[2] for args in client.told("tickPrice") if args[:2] == (number, kind)]
    wait(lambda: price(1) and price(2) and price(4))
    BID, ASK = price(1)[-1], price(2)[-1]
    require(0 < BID < ASK and price(4)[-1] > 0, (BID, ASK))
    sizes = lambda: {args[1] for args in client.told("tickSize") if args[0] == number and args[2] > 0}
    wait(lambda: {0, 3} <= sizes())
    require(client.told("tickReqParams")[0][1] == TICK, client.told("tickReqParams"))
    client.cancelMktData(number)

with check("a snapshot"):
    number = request()
    client.reqMktData(number, AAPL, "", True, False, [])
    wait(lambda: (number,) in client.told("tickSnapshotEnd"))
    require(price(1) and price(2), client.told("tickPrice"))

with check("market depth"):
    number = request()
    client.reqMktDepth(number, AAPL, 5, False, [])
    rows = lambda: [args for args in client.told("updateMktDepth") + client.told("updateMktDepthL2")]
    side = lambda wanted: [row for row in rows() if row[-3 - (len(row) == 8)] == wanted]
    wait(lambda: len(side(0)) >= 3 and len(side(1)) >= 3, rows)
    client.cancelMktDepth(number, False)

with check("bars of five seconds"):
    number = request()
    client.reqRealTimeBars(number, AAPL, 5, "TRADES", False, [])
    wait(lambda: client.told("realtimeBar"))
    bar = client.told("realtimeBar")[0]
    require(bar[1] % 5 == 0 and bar[3] >= bar[2] >= bar[4] > 0, bar)
    client.cancelRealTimeBars(number)


def history(duration, size, kept=False, rth=0):
    number = request()
    client.reqHistoricalData(number, AAPL, "", duration, size, "TRADES", rth, 1, kept, [])
    wait(lambda: [args for args in client.told("historicalDataEnd") if args[0] == number])
    bars = [args[1] for args in client.told("historicalData") if args[0] == number]
    for bar in bars:
        require(bar.low <= min(bar.open, bar.close) <= max(bar.open, bar.close) <= bar.high, bar)
    return number, bars


with check("bars of a minute"):
    _, bars = history("1 D", "1 min")
    require(bars and len(bars[0].date.split()[0]) == 8 and ":" in bars[0].date, bars[:1])

with check("bars of a day"):
    _, bars = history("1 M", "1 day", rth=1)
    require(bars and len(bars[0].date) == 8, bars[:1])

with check("bars kept up to date"):
    number, _ = history("1 D", "5 mins", kept=True)
    wait(lambda: [args for args in client.told("historicalDataUpdate") if args[0] == number])
    bar = client.told("historicalDataUpdate")[-1][1]
    require(bar.low <= min(bar.open, bar.close) <= max(bar.open, bar.close) <= bar.high, bar)
    client.cancelHistoricalData(number)

with check("the first bar there is"):
    client.reqHeadTimeStamp(request(), AAPL, "TRADES", 0, 2)
    wait(lambda: client.told("headTimestamp"))
    require(int(client.told("headTimestamp")[0][1]) > 0, client.told("headTimestamp"))

with check("tick by tick"):
    trades, quotes = request(), request()
    client.reqTickByTickData(trades, AAPL, "AllLast", 0, False)
    client.reqTickByTickData(quotes, AAPL, "BidAsk", 0, False)
    wait(lambda: client.told("tickByTickAllLast") and client.told("tickByTickBidAsk"))
    client.cancelTickByTickData(trades)
    client.cancelTickByTickData(quotes)

with check("a market order, its fill and commission"):
    bought = place(order("BUY", 100, "MKT"))
    require(reaches(bought, "Filled")[1:] == (100, 0), states(bought))
    fills = lambda: [args[2] for args in client.told("execDetails") if args[2].orderId == bought]
    wait(lambda: sum(float(fill.shares) for fill in fills()) == 100, fills)
    # The least that an order costs is charged with its first fill: another may be free.
    wait(lambda: all(fill.execId in commissions() for fill in fills()), commissions)
    require(sum(commissions()[fill.execId] for fill in fills()) > 0, commissions())
    require(fills()[0].side == "BOT" and fills()[0].acctNumber == ACCOUNT and fills()[0].permId > 0, vars(fills()[0]))
    wait(lambda: positions() == {"AAPL": 100}, positions)

with check("a limit order placed, changed, cancelled"):
    away = near(BID, TICK, -500)
    made = order("BUY", 10, price=away, orderRef="mine")
    number = place(made)
    require(reaches(number, "Submitted")[1:] == (0, 10), states(number))
    made.lmtPrice, made.totalQuantity = near(away, TICK, -10), 7
    since = len(client.calls)
    client.placeOrder(number, AAPL, made)
    reaches(number, "Submitted", since=since)
    told = open_orders()[number]
    require(told[2].lmtPrice == made.lmtPrice and float(told[2].totalQuantity) == 7, vars(told[2]))
    require(told[2].orderRef == "mine" and told[2].account == ACCOUNT and told[2].permId > 0, vars(told[2]))
    require(told[3].status == "Submitted", vars(told[3]))
    cancel(number)
    reaches(number, "Cancelled")
    wait(lambda: [error for error in client.errors(202) if error[0] == number])

with check("what if"):
    number = place(order("BUY", 10, price=away, whatIf=True))
    told = wait(lambda: [args for args in client.told("openOrder") if args[0] == number])[0]
    require(0 < float(told[3].initMarginChange) < 1e300, vars(told[3]))
    require(not states(number) and number not in open_orders(), states(number))

with check("a price off the tick"):
    number = place(order("BUY", 10, price=away + TICK / 3))
    wait(lambda: [error for error in client.errors(110, 201) if error[0] == number])

with check("orders that are not served are refused, not simplified"):
    when = PriceCondition(0)
    when.conId, when.exchange, when.isMore, when.price = AAPL.conId, "SMART", True, near(ASK, TICK, 5000)
    unserved = [
        order("BUY", 10, price=away, goodAfterTime="20990101 10:00:00 UTC"),
        order("BUY", 10, "TRAIL", auxPrice=1.0),
        order("BUY", 10, price=away, conditions=[when], conditionsIgnoreRth=True),
        order("BUY", 10, price=away, algoStrategy="Adaptive", algoParams=[TagValue("adaptivePriority", "Normal")]),
        order("BUY", 10, "PEG BENCH", referenceContractId=AAPL.conId, startingPrice=away, stockRefPrice=away),
    ]
    for made in unserved:
        number = place(made)
        refused = lambda: [error for error in client.errors(201) if error[0] == number]
        wait(refused, lambda: (vars(made), client.told("error")[-2:]))
        require(not states(number), states(number))
    require(open_orders() == {}, open_orders())

with check("a bracket"):
    parent = order("BUY", 10, price=away, transmit=False)
    first = place(parent)
    target = place(order("SELL", 10, price=near(ASK, TICK, 2000), parentId=first, transmit=False))
    stop = place(order("SELL", 10, "STP", auxPrice=near(BID, TICK, -2000), parentId=first, transmit=True))
    reaches(first, "Submitted")
    reaches(target, "PreSubmitted")
    reaches(stop, "PreSubmitted")
    require({"Submitted", "Filled"}.isdisjoint(state[0] for state in states(target) + states(stop)), last_calls())
    require(open_orders()[stop][2].parentId == first, vars(open_orders()[stop][2]))
    parent.lmtPrice, parent.transmit = near(ASK, TICK, 20), True
    client.placeOrder(first, AAPL, parent)
    reaches(first, "Filled")
    reaches(target, "Submitted")
    cancel(target)
    reaches(target, "Cancelled")
    if stop in open_orders():
        cancel(stop)
    reaches(stop, "Cancelled")

with check("one cancels the other"):
    pair = [order("BUY", 10, price=near(away, TICK, -ticks), ocaGroup="pair", ocaType=1) for ticks in (0, 5)]
    one, other = [place(made) for made in pair]
    reaches(one, "Submitted")
    reaches(other, "Submitted")
    pair[0].lmtPrice = near(ASK, TICK, 20)
    client.placeOrder(one, AAPL, pair[0])
    reaches(one, "Filled")
    reaches(other, "Cancelled")

with check("open, all and completed orders"):
    resting = place(order("BUY", 5, price=away, tif="GTC"))
    reaches(resting, "Submitted")
    require(list(open_orders()) == [resting], open_orders())
    since = len(client.calls)
    client.reqAllOpenOrders()
    wait(lambda: client.told("openOrderEnd", since))
    require([args[0] for args in client.told("openOrder", since)] == [resting], client.calls[since:])
    client.reqCompletedOrders(False)
    wait(lambda: client.told("completedOrdersEnd"))
    done = client.told("completedOrder")
    require({"Filled", "Cancelled"} <= {args[2].status for args in done}, done)
    require(all(args[1].permId > 0 and args[0].symbol == "AAPL" for args in done), done)

with check("executions by filter"):
    found = executions(symbol="AAPL", acctCode=ACCOUNT)
    require(sum(float(args[2].shares) for args in found) == 120, found)
    require(executions(symbol="MSFT") == [], "executions of something else")
    require(executions(acctCode=ACCOUNTS[1]) == [], "executions of another account")

with check("profit and loss"):
    client.reqPnL(request(), ACCOUNT, "")
    single = request()
    client.reqPnLSingle(single, ACCOUNT, "", AAPL.conId)
    wait(lambda: [args for args in client.told("pnl") if abs(args[1]) < 1e300 and abs(args[2]) < 1e300])
    wait(lambda: [args for args in client.told("pnlSingle") if float(args[1]) == 120 and args[5] > 0])
    client.cancelPnLSingle(single)

with check("an id twice"):
    client.placeOrder(bought, AAPL, order("BUY", 1, price=away))
    wait(lambda: [error for error in client.errors(103, 104) if error[0] == bought])

with check("a client id twice"):
    second = Client()
    second.start()
    wait(lambda: second.errors(326), lambda: second.calls)
    wait(lambda: not second.isConnected(), "the second one's end")
    require(client.isConnected(), "the first one is gone")

with check("the same state after connecting again"):
    state = lambda: (
        positions(),
        {number: (args[2].permId, args[2].lmtPrice) for number, args in open_orders().items()},
        sorted(args[2].execId for args in executions()),
    )
    before = state()
    client.stop()

    def again():
        global client
        client = Client()
        client.start()
        ready = lambda: client.told("nextValidId") or client.errors(326) or not client.isConnected()
        until(ready, last_calls)
        return client.told("nextValidId")

    client_ids = until(again, "the connection")
    require(client_ids[0][0] >= Ids.next, (client_ids, Ids.next))
    after = state()
    require(before == after, (before, after))
    require(list(after[1]) == [resting], after)
    cancel(resting)
    reaches(resting, "Cancelled")
    client.stop()
