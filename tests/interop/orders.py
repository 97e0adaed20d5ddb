"""Writes tests/suite/golden/tws_orders.jsonl.gz: orders as ib_async 2.1.0 puts them on the wire, each beside its values by name.

    python3 tests/interop/orders.py tests/suite/golden/tws_orders.jsonl.gz

Every value is found once in its order, and flags differ from variant to variant, so that a field read from a wrong place shows.
"""
import dataclasses, gzip, json, math, sys
import ib_async
from ib_async import *
from ib_async.client import Client
from ib_async.objects import SoftDollarTier
class W: pass
Client.isConnected=lambda self: True
c = Client(W())
out=[]
def cap(version, what, fn):
    got=[]
    c.serverVersion=lambda: version
    c.sendMsg=lambda msg: got.append(msg)
    fn()
    assert len(got)==1
    f=got[0].split('\0'); assert f[-1]==''
    return f[:-1]
def clean(o):
    d={}
    for f in dataclasses.fields(o):
        v=getattr(o,f.name)
        if dataclasses.is_dataclass(v): v=clean(v)
        elif isinstance(v,list): v=[clean(x) if dataclasses.is_dataclass(x) else x for x in v]
        elif isinstance(v,float) and (v==ib_async.util.UNSET_DOUBLE): continue
        elif isinstance(v,float) and math.isinf(v): v="Infinite"
        elif isinstance(v,int) and not isinstance(v,bool) and v==ib_async.util.UNSET_INTEGER: continue
        if v is None or v=="" or v==[]: continue
        d[f.name]=v
    return d
SKIP={'softDollarTier','orderId','clientId','permId','filledQuantity','refFuturesConId','autoCancelDate','shareholder','imbalanceOnly','routeMarketableToBbo','parentPermId','faProfile','eTradeOnly','firmQuoteOnly','nbboPriceCap','auctionStrategy','basisPoints','basisPointsType','smartComboRoutingParams','algoParams','orderMiscOptions','conditions','orderComboLegs','conditionsIgnoreRth','conditionsCancelOrder','orderType','deltaNeutralOrderType','hedgeType','algoStrategy','scalePriceIncrement','action','competeAgainstBestOffset'}
def everything(kind, n0=1000, variant=None):
    o=Order(); n=n0; flags=0
    for f in dataclasses.fields(o):
        if f.name in SKIP: continue
        t=f.type if isinstance(f.type,str) else f.type.__name__
        n+=1
        d=f.default
        if isinstance(d,bool) or 'bool' in str(t):
            flags+=1; v=variant is None or bool(flags>>variant&1)
        elif isinstance(d,float): v=n+0.25
        elif isinstance(d,int): v=n
        elif isinstance(d,str): v=f"{f.name}-{n}"
        else: v=n+0.5
        setattr(o,f.name,v)
    o.action='BUY'; o.orderType=kind; o.softDollarTier=SoftDollarTier('tiername','tierval','')
    return o
def contract(secType='STK',exch='SMART'):
    k=Contract(secType=secType,conId=11,symbol='SYM',lastTradeDateOrContractMonth='20270115',strike=12.5,right='C',multiplier='100',exchange=exch,primaryExchange='NASDAQ',currency='USD',localSymbol='LOC',tradingClass='CLS',secIdType='ISIN',secId='US0')
    return k
def rows(version):
    cases=[]
    cases.append(('plain limit',Contract(secType='STK',conId=1,symbol='ACME',exchange='SMART',currency='USD'),LimitOrder('BUY',100,10.5)))
    cases.append(('plain market, not transmitted',Contract(secType='STK',symbol='ACME',exchange='SMART',currency='USD'),MarketOrder('SELL',0.5,transmit=False,parentId=7)))
    cases.append(('every field',contract(),everything('LMT')))
    for variant in range(6): cases.append((f'flags {variant}',contract(),everything('LMT',1000,variant)))
    o=everything('VOL'); o.deltaNeutralOrderType='LMT'; o.hedgeType='D'; o.algoStrategy='Adaptive'; o.algoParams=[TagValue('adaptivePriority','Normal'),TagValue('b','2')]; o.scalePriceIncrement=0.05; o.orderMiscOptions=[TagValue('m','1'),TagValue('n','2')]
    k=contract(); k.deltaNeutralContract=DeltaNeutralContract(99,0.5,44.25)
    cases.append(('delta neutral, hedge, scale, algo',k,o))
    o=everything('PEG BENCH',2000)
    o.conditions=[PriceCondition(1,'a',True,101.5,55,'NYSE',2),TimeCondition(3,'o',False,'20270101 10:00:00 UTC'),MarginCondition(4,'a',True,30),ExecutionCondition(5,'o','STK','SMART','ACME'),VolumeCondition(6,'a',False,1000,56,'SMART'),PercentChangeCondition(7,'o',True,2.5,57,'ARCA')]
    o.conditionsIgnoreRth=True; o.conditionsCancelOrder=True
    cases.append(('pegged to a benchmark, conditions',contract(),o))
    k=contract('BAG'); k.comboLegs=[ComboLeg(1,2,'BUY','SMART',0,1,'here',-1),ComboLeg(3,4,'SELL','CBOE',1,2,'there',7)]
    o=everything('LMT',3000); o.orderComboLegs=[OrderComboLeg(1.5),OrderComboLeg(2.5)]; o.smartComboRoutingParams=[TagValue('NonGuaranteed','1')]
    cases.append(('a combination',k,o))
    o=everything('PEG BEST',4000); o.competeAgainstBestOffset=math.inf
    cases.append(('pegged to the best, at the midpoint',contract(exch='IBKRATS'),o))
    o=everything('PEG BEST',5000); o.competeAgainstBestOffset=0.02
    cases.append(('pegged to the best',contract(),o))
    cases.append(('pegged to the midpoint',contract(),everything('PEG MID',6000)))
    return cases
for v in (157,158,160,162,166,169,170,176,177,178):
    for what,k,o in rows(v):
        if v not in (157,178) and what not in ('plain limit','every field','pegged to the best, at the midpoint'): continue
        f=cap(v,what,lambda: c.placeOrder(42,k,o))
        out.append(dict(what=what,version=v,fields=f,contract=clean(k),order=clean(o)))
lines=''.join(json.dumps(r,sort_keys=True)+'\n' for r in out)
open(sys.argv[1],'wb').write(gzip.compress(lines.encode(),9,mtime=0))
