"""ib_async against the gateway: python3 with_ib_async.py HOST PORT"""
import datetime
import math
import sys

from checks import Failed, check, near, require, until
from ib_async import IB, ExecutionFilter, LimitOrder, MarketOrder, Order, Stock, StopOrder, Trade

HOST, PORT = sys.argv[1], int(sys.argv[2])
CLIENT = 21
ACCOUNTS = ["DU100001", "DU100002"]
ACCOUNT = ACCOUNTS[0]

errors = []


def connected(client):
    ib = IB()
    ib.errorEvent += lambda number, code, words, contract: errors.append((number, code, words))
    ib.connect(HOST, PORT, clientId=client, timeout=30, account=ACCOUNT, raiseSyncErrors=True)
    return ib


def wait(ready, what):
    return until(ready, what, pause=ib.sleep)


def error(code):
    return [found for found in errors if found[1] == code]


def place(order, contract=None):
    order.account = ACCOUNT
    return ib.placeOrder(contract or AAPL, order)


def reaches(trade, *states):
    wait(lambda: trade.orderStatus.status in states, lambda: f"{states} of {trade}; {errors[-3:]}")
    return trade


with check("connect, version 178, accounts, next id"):
    ib = connected(CLIENT)
    require(ib.client.serverVersion() == 178, ib.client.serverVersion())
    require(ib.managedAccounts() == ACCOUNTS, ib.managedAccounts())
    require(ib.client.getReqId() > 0, "no id")

with check("positions, account values and portfolio"):
    require(ib.positions() == [], ib.positions())
    values = {value.tag: value for value in ib.accountValues(ACCOUNT) if value.currency in ("USD", "BASE", "")}
    for tag in ("NetLiquidation", "TotalCashValue", "BuyingPower"):
        require(tag in values, f"{tag} in {sorted(values)}")
    require(float(values["NetLiquidation"].value) > 0, values["NetLiquidation"])

with check("account summary"):
    rows = ib.accountSummary()
    require({row.account for row in rows} >= set(ACCOUNTS), rows)
    require(any(row.tag == "NetLiquidation" and float(row.value) > 0 for row in rows), rows)

with check("contract details"):
    found = ib.reqContractDetails(Stock("AAPL", "SMART", "USD"))
    require(len(found) == 1, found)
    details = found[0]
    AAPL = details.contract
    TICK = details.minTick
    require(AAPL.conId > 0 and AAPL.symbol == "AAPL" and AAPL.primaryExchange == "NASDAQ", AAPL)
    require(TICK == 0.01 and details.longName == "Apple Inc." and details.timeZoneId, details)
    require(details.minSize == 1 and details.sizeIncrement == 1, details)
    by_id = ib.reqContractDetails(Stock(conId=AAPL.conId))
    require(len(by_id) == 1 and by_id[0].contract == AAPL, by_id)
    require(ib.reqContractDetails(Stock("NOSUCH", "SMART", "USD")) == [] and error(200), errors)

with check("market rule"):
    rule = ib.reqMarketRule(int(details.marketRuleIds.split(",")[0]))
    require(any(step.increment == TICK for step in rule), rule)

with check("symbol search"):
    found = ib.reqMatchingSymbols("AAP")
    require(any(sample.contract.symbol == "AAPL" and sample.contract.conId == AAPL.conId for sample in found), found)

with check("exchanges of depth, no options, the server's time"):
    require(any(row.exchange == "SMART" for row in ib.reqMktDepthExchanges()), "no SMART")
    require(ib.reqSecDefOptParams("AAPL", "", "STK", AAPL.conId) == [], "options")
    require(ib.reqCurrentTime().year >= 2020, "the time")

with check("market data"):
    ticker = ib.reqMktData(AAPL)
    wait(lambda: ticker.hasBidAsk() and ticker.last > 0, lambda: ticker)
    require(ticker.bidSize > 0 and ticker.askSize > 0, ticker)
    require(0 < ticker.bid < ticker.ask, ticker)
    require(ticker.minTick == TICK, ticker)

with check("a snapshot"):
    (snapshot,) = ib.reqTickers(AAPL)
    require(0 < snapshot.bid < snapshot.ask, snapshot)

with check("market depth"):
    book = ib.reqMktDepth(AAPL, numRows=5)
    wait(lambda: len(book.domBids) >= 3 and len(book.domAsks) >= 3, lambda: (book.domBids, book.domAsks))
    bids, asks = [row.price for row in book.domBids], [row.price for row in book.domAsks]
    require(bids == sorted(bids, reverse=True) and asks == sorted(asks), (bids, asks))
    ib.cancelMktDepth(AAPL)

with check("bars of five seconds"):
    bars = ib.reqRealTimeBars(AAPL, 5, "TRADES", False)
    wait(lambda: len(bars) >= 1, "a bar")
    require(bars[0].time.second % 5 == 0 and bars[0].high >= bars[0].low > 0, bars[0])
    ib.cancelRealTimeBars(bars)

with check("bars of a minute"):
    bars = ib.reqHistoricalData(AAPL, "", "1 D", "1 min", "TRADES", False)
    require(len(bars) > 0, errors[-3:])
    for bar in bars:
        require(isinstance(bar.date, datetime.datetime) and bar.date.tzinfo, bar)
        require(bar.low <= min(bar.open, bar.close) <= max(bar.open, bar.close) <= bar.high, bar)

with check("bars of a day"):
    bars = ib.reqHistoricalData(AAPL, "", "1 M", "1 day", "TRADES", True)
    require(len(bars) > 0 and all(type(bar.date) is datetime.date for bar in bars), bars)

with check("bars kept up to date"):
    bars = ib.reqHistoricalData(AAPL, "", "1 D", "5 mins", "TRADES", False, keepUpToDate=True)
    updates = []
    bars.updateEvent += lambda bars, new: updates.append(bars[-1])
    wait(lambda: updates, "an update")
    bar = updates[-1]
    require(bar.low <= min(bar.open, bar.close) <= max(bar.open, bar.close) <= bar.high, bar)
    ib.cancelHistoricalData(bars)

with check("the first bar there is"):
    head = ib.reqHeadTimeStamp(AAPL, "TRADES", False)
    require(isinstance(head, datetime.datetime), head)

with check("tick by tick"):
    trades = ib.reqTickByTickData(AAPL, "AllLast")
    quotes = ib.reqTickByTickData(AAPL, "BidAsk")
    wait(lambda: trades.tickByTicks and quotes.tickByTicks, "ticks")
    ib.cancelTickByTickData(AAPL, "AllLast")
    ib.cancelTickByTickData(AAPL, "BidAsk")

with check("a market order, its fill and commission"):
    events = []
    ib.newOrderEvent += lambda trade: events.append("order")
    trade = reaches(place(MarketOrder("BUY", 100)), "Filled")
    wait(lambda: sum(fill.execution.shares for fill in trade.fills) == 100, lambda: trade)
    # The least that an order costs is charged with its first fill: another may be free.
    wait(lambda: all(fill.commissionReport.execId for fill in trade.fills), lambda: trade.fills)
    require(sum(fill.commissionReport.commission for fill in trade.fills) > 0, trade.fills)
    require(trade.orderStatus.avgFillPrice > 0 and trade.orderStatus.permId > 0, trade)
    require(trade.fills[0].execution.side == "BOT" and trade.fills[0].execution.acctNumber == ACCOUNT, trade.fills)
    wait(lambda: [p.position for p in ib.positions(ACCOUNT)] == [100], ib.positions)
    wait(lambda: [item.position for item in ib.portfolio(ACCOUNT)] == [100], ib.portfolio)

with check("a limit order placed, changed, cancelled"):
    away = near(ticker.bid, TICK, -500)
    order = LimitOrder("BUY", 10, away, orderRef="mine")
    trade = reaches(place(order), "Submitted")
    order.lmtPrice = near(away, TICK, -10)
    order.totalQuantity = 7
    place(order)
    changed = lambda: [
        other
        for other in ib.reqOpenOrders()
        if other.order.orderId == order.orderId and other.order.lmtPrice == order.lmtPrice
    ]
    told, *_ = wait(changed, lambda: (ib.openTrades(), errors[-3:]))
    require(told.order.totalQuantity == 7 and told.order.orderRef == "mine", told)
    require(told.orderStatus.status == "Submitted", told)
    ib.cancelOrder(order)
    reaches(trade, "Cancelled")

with check("what if"):
    state = ib.whatIfOrder(AAPL, LimitOrder("BUY", 10, away, account=ACCOUNT))
    require(not isinstance(state, list), errors[-3:])
    require(float(state.initMarginChange) > 0 and float(state.initMarginAfter) < 1e300, state)
    require(ib.openOrders() == [], ib.openOrders())

with check("a price off the tick"):
    trade = place(LimitOrder("BUY", 10, away + TICK / 3))
    wait(lambda: error(110) or error(201), lambda: trade)

with check("a bracket"):
    parent = LimitOrder("BUY", 10, away, transmit=False)
    target = LimitOrder("SELL", 10, near(ticker.ask, TICK, 2000), transmit=False)
    stop = StopOrder("SELL", 10, near(ticker.bid, TICK, -2000), transmit=True)
    parent.orderId = ib.client.getReqId()
    target.orderId, stop.orderId = ib.client.getReqId(), ib.client.getReqId()
    target.parentId = stop.parentId = parent.orderId
    trades = [place(order) for order in (parent, target, stop)]
    reaches(trades[0], "Submitted")
    reaches(trades[1], "PreSubmitted")
    reaches(trades[2], "PreSubmitted")
    parent.lmtPrice = near(ticker.ask, TICK, 20)
    parent.transmit = True
    place(parent)
    reaches(trades[0], "Filled")
    reaches(trades[1], "Submitted")
    ib.cancelOrder(target)
    reaches(trades[1], "Cancelled")
    if not trades[2].isDone():
        ib.cancelOrder(stop)
    reaches(trades[2], "Cancelled")

with check("one cancels the other"):
    orders = [LimitOrder("BUY", 10, near(away, TICK, -ticks), ocaGroup="pair", ocaType=1) for ticks in (0, 5)]
    trades = [reaches(place(order), "Submitted") for order in orders]
    orders[0].lmtPrice = near(ticker.ask, TICK, 20)
    place(orders[0])
    reaches(trades[0], "Filled")
    reaches(trades[1], "Cancelled")

with check("open, all and completed orders"):
    resting = reaches(place(LimitOrder("BUY", 5, away, tif="GTC")), "Submitted")
    for told in (ib.reqOpenOrders(), ib.reqAllOpenOrders()):
        ids = [trade.order.orderId for trade in told]
        require(ids == [resting.order.orderId], told)
    done = ib.reqCompletedOrders(False)
    states = {trade.orderStatus.status for trade in done}
    require({"Filled", "Cancelled"} <= states, done)
    require(all(trade.order.permId > 0 and trade.contract.symbol == "AAPL" for trade in done), done)

with check("executions by filter"):
    fills = ib.reqExecutions(ExecutionFilter(symbol="AAPL", acctCode=ACCOUNT))
    require(sum(fill.execution.shares for fill in fills) == 120, fills)
    require(ib.reqExecutions(ExecutionFilter(symbol="MSFT")) == [], "executions of something else")
    require(ib.reqExecutions(ExecutionFilter(acctCode=ACCOUNTS[1])) == [], "executions of another account")

with check("profit and loss"):
    pnl = ib.reqPnL(ACCOUNT)
    wait(lambda: not math.isnan(pnl.dailyPnL) and not math.isnan(pnl.unrealizedPnL), lambda: pnl)
    single = ib.reqPnLSingle(ACCOUNT, "", AAPL.conId)
    wait(lambda: single.position == 120 and single.value > 0, lambda: single)

with check("a client id twice"):
    try:
        connected(CLIENT)
    except Exception:
        pass
    else:
        raise Failed("connected")
    wait(lambda: error(326), lambda: errors)
    require(ib.isConnected(), "the first one is gone")

with check("the same state after connecting again"):
    before = (
        ib.positions(ACCOUNT),
        sorted(fill.execution.execId for fill in ib.fills()),
        [(trade.order.orderId, trade.order.permId, trade.order.lmtPrice) for trade in ib.openTrades()],
    )
    ib.disconnect()

    def again():
        try:
            return connected(CLIENT)
        except Exception:
            return None

    import time

    ib = until(again, "the connection", pause=lambda _: time.sleep(0.2))
    after = (
        ib.positions(ACCOUNT),
        sorted(fill.execution.execId for fill in ib.fills()),
        [(trade.order.orderId, trade.order.permId, trade.order.lmtPrice) for trade in ib.openTrades()],
    )
    require(before == after, (before, after))
    require(len(after[2]) == 1 and all(fill.commissionReport.execId for fill in ib.fills()), after)
    (left,) = ib.openTrades()
    # As it was read from the gateway, but for its price.
    left.order.lmtPrice = near(left.order.lmtPrice, TICK, -7)
    ib.placeOrder(left.contract, left.order)
    changed = lambda: [t for t in ib.reqOpenOrders() if t.order.lmtPrice == left.order.lmtPrice]
    wait(changed, lambda: (ib.openTrades(), errors[-3:]))
    require(not error(201) and not error(321), errors)
    ib.cancelOrder(left.order)
    reaches(left, "Cancelled")
    ib.disconnect()
