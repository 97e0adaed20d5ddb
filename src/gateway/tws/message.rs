//! What clients ask ([`Incoming`]) and what they are told ([`Outgoing`]), each by its number on the wire, and the protobuf
//! codec of both. A message that nobody here knows is [`Incoming::Unknown`] with its number and, where it begins with one,
//! its request id, so that it can be answered with words in place of silence.

use super::proto;
use super::{PROTOBUF_FROM, frame, text};
use prost::Message as _;

/// What protobuf adds to a message's number.
const PROTOBUF_OFFSET: i32 = 200;

/// Why a frame can't be read. The connection can go on: the next frame begins where this one ends.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadFrame {
    /// Shorter than a message number.
    #[error("a frame of {0} bytes holds no message")]
    Short(usize),
    /// In the other codec, or with a number that can't be.
    #[error("message number {0} does not fit the negotiated version")]
    Number(i32),
    /// The fields can't be read.
    #[error("message {number}: {why}")]
    Fields {
        /// The message.
        number: i32,
        /// What is wrong.
        why: String,
    },
}

/// Declares the messages of one direction: number, name, protobuf message.
macro_rules! messages {
    ($(#[$doc:meta])* $direction:ident { $($number:literal $name:ident $message:ident;)* } $($(#[$edoc:meta])* $extra:ident { $($(#[$fdoc:meta])* $field:ident: $type:ty),* })*) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq)]
        #[allow(missing_docs, clippy::large_enum_variant, reason = "each is named and documented as its message is; they are short-lived")]
        pub enum $direction {
            $($name(proto::$message),)*
            $($(#[$edoc])* $extra { $($(#[$fdoc])* $field: $type),* },)*
        }
        $(impl From<proto::$message> for $direction {
            fn from(message: proto::$message) -> Self {
                Self::$name(message)
            }
        })*
        impl $direction {
            /// Its number on the wire; nothing for what is no single message.
            pub fn number(&self) -> Option<i32> {
                match self {
                    $(Self::$name(_) => Some($number),)*
                    #[allow(unreachable_patterns, reason = "a direction may have no extras")]
                    _ => None,
                }
            }
            /// Reads the protobuf body of message `number`; nothing for a number that is not known.
            fn from_protobuf(number: i32, body: &[u8]) -> Option<Result<Self, prost::DecodeError>> {
                match number {
                    $($number => Some(proto::$message::decode(body).map(Self::$name)),)*
                    _ => None,
                }
            }
            /// Appends the protobuf body.
            fn protobuf_body(&self, out: &mut Vec<u8>) {
                match self {
                    // Encoding into a growing buffer can't fail.
                    $(Self::$name(message) => { let _ = message.encode(out); })*
                    #[allow(unreachable_patterns, reason = "a direction may have no extras")]
                    _ => {}
                }
            }
        }
    };
}

messages! {
    /// What a client asks.
    Incoming {
        1 MarketData MarketDataRequest;
        2 CancelMarketData CancelMarketData;
        3 PlaceOrder PlaceOrderRequest;
        4 CancelOrder CancelOrderRequest;
        5 OpenOrders OpenOrdersRequest;
        6 AccountData AccountDataRequest;
        7 Executions ExecutionRequest;
        8 Ids IdsRequest;
        9 ContractData ContractDataRequest;
        10 MarketDepth MarketDepthRequest;
        11 CancelMarketDepth CancelMarketDepth;
        14 SetServerLogLevel SetServerLogLevelRequest;
        15 AutoOpenOrders AutoOpenOrdersRequest;
        16 AllOpenOrders AllOpenOrdersRequest;
        17 ManagedAccounts ManagedAccountsRequest;
        20 HistoricalData HistoricalDataRequest;
        25 CancelHistoricalData CancelHistoricalData;
        49 CurrentTime CurrentTimeRequest;
        50 RealTimeBars RealTimeBarsRequest;
        51 CancelRealTimeBars CancelRealTimeBars;
        58 GlobalCancel GlobalCancelRequest;
        59 MarketDataType MarketDataTypeRequest;
        61 Positions PositionsRequest;
        62 AccountSummary AccountSummaryRequest;
        63 CancelAccountSummary CancelAccountSummary;
        64 CancelPositions CancelPositions;
        71 StartApi StartApiRequest;
        74 PositionsMulti PositionsMultiRequest;
        75 CancelPositionsMulti CancelPositionsMulti;
        76 AccountUpdatesMulti AccountUpdatesMultiRequest;
        77 CancelAccountUpdatesMulti CancelAccountUpdatesMulti;
        78 SecDefOptParams SecDefOptParamsRequest;
        79 SoftDollarTiers SoftDollarTiersRequest;
        80 FamilyCodes FamilyCodesRequest;
        81 MatchingSymbols MatchingSymbolsRequest;
        82 MarketDepthExchanges MarketDepthExchangesRequest;
        83 SmartComponents SmartComponentsRequest;
        85 NewsProviders NewsProvidersRequest;
        87 HeadTimestamp HeadTimestampRequest;
        90 CancelHeadTimestamp CancelHeadTimestamp;
        91 MarketRule MarketRuleRequest;
        92 PnL PnLRequest;
        93 CancelPnL CancelPnL;
        94 PnLSingle PnLSingleRequest;
        95 CancelPnLSingle CancelPnLSingle;
        96 HistoricalTicks HistoricalTicksRequest;
        97 TickByTick TickByTickRequest;
        98 CancelTickByTick CancelTickByTick;
        99 CompletedOrders CompletedOrdersRequest;
        104 UserInfo UserInfoRequest;
        105 CurrentTimeInMillis CurrentTimeInMillisRequest;
        106 CancelContractData CancelContractData;
        107 CancelHistoricalTicks CancelHistoricalTicks;
    }
    /// Something that is not answered here.
    Unknown {
        /// Its number.
        number: i32,
        /// Its request id, where it seems to begin with one.
        request: Option<i32>
    }
}

messages! {
    /// What a client is told.
    Outgoing {
        1 TickPrice TickPrice;
        2 TickSize TickSize;
        3 OrderStatus OrderStatus;
        4 Error ErrorMessage;
        5 OpenOrder OpenOrder;
        6 AccountValue AccountValue;
        7 PortfolioValue PortfolioValue;
        8 AccountUpdateTime AccountUpdateTime;
        9 NextValidId NextValidId;
        10 ContractData ContractData;
        11 ExecutionDetails ExecutionDetails;
        12 MarketDepth MarketDepth;
        13 MarketDepthL2 MarketDepthL2;
        15 ManagedAccounts ManagedAccounts;
        21 TickOptionComputation TickOptionComputation;
        45 TickGeneric TickGeneric;
        46 TickString TickString;
        49 CurrentTime CurrentTime;
        50 RealTimeBar RealTimeBarTick;
        52 ContractDataEnd ContractDataEnd;
        53 OpenOrdersEnd OpenOrdersEnd;
        54 AccountDataEnd AccountDataEnd;
        55 ExecutionDetailsEnd ExecutionDetailsEnd;
        57 TickSnapshotEnd TickSnapshotEnd;
        58 MarketDataType MarketDataType;
        59 CommissionAndFees CommissionAndFeesReport;
        61 Position Position;
        62 PositionEnd PositionEnd;
        63 AccountSummary AccountSummary;
        64 AccountSummaryEnd AccountSummaryEnd;
        71 PositionMulti PositionMulti;
        72 PositionMultiEnd PositionMultiEnd;
        73 AccountUpdateMulti AccountUpdateMulti;
        74 AccountUpdateMultiEnd AccountUpdateMultiEnd;
        75 SecDefOptParameter SecDefOptParameter;
        76 SecDefOptParameterEnd SecDefOptParameterEnd;
        77 SoftDollarTiers SoftDollarTiers;
        78 FamilyCodes FamilyCodes;
        79 SymbolSamples SymbolSamples;
        80 MarketDepthExchanges MarketDepthExchanges;
        81 TickReqParams TickReqParams;
        82 SmartComponents SmartComponents;
        85 NewsProviders NewsProviders;
        88 HeadTimestamp HeadTimestamp;
        90 HistoricalDataUpdate HistoricalDataUpdate;
        93 MarketRule MarketRule;
        94 PnL PnL;
        95 PnLSingle PnLSingle;
        96 HistoricalTicks HistoricalTicks;
        97 HistoricalTicksBidAsk HistoricalTicksBidAsk;
        98 HistoricalTicksLast HistoricalTicksLast;
        99 TickByTick TickByTickData;
        100 OrderBound OrderBound;
        101 CompletedOrder CompletedOrder;
        102 CompletedOrdersEnd CompletedOrdersEnd;
        107 UserInfo UserInfo;
        109 CurrentTimeInMillis CurrentTimeInMillis;
    }
    /// Bars, all in one piece: one message as text, two in protobuf.
    History {
        /// The bars.
        bars: proto::HistoricalData,
        /// Their span.
        end: proto::HistoricalDataEnd
    }
}

impl Incoming {
    /// Reads a frame's body as a client of `version` sends it.
    ///
    /// # Errors
    /// The frame can't be read; the connection may go on.
    pub fn decode(version: i32, body: &[u8]) -> Result<Self, BadFrame> {
        if version < PROTOBUF_FROM {
            return text::decode(version, body);
        }
        let Some((head, payload)) = body.split_first_chunk::<4>() else {
            return Err(BadFrame::Short(body.len()));
        };
        let number = i32::from_be_bytes(*head);
        let plain = number
            .checked_sub(PROTOBUF_OFFSET)
            .filter(|plain| *plain > 0)
            .ok_or(BadFrame::Number(number))?;
        match Self::from_protobuf(plain, payload) {
            Some(Ok(message)) => Ok(message),
            Some(Err(why)) => Err(BadFrame::Fields {
                number: plain,
                why: why.to_string(),
            }),
            None => Ok(Self::Unknown {
                number: plain,
                request: proto::CancelMarketData::decode(payload)
                    .ok()
                    .and_then(|first| first.req_id),
            }),
        }
    }

    /// The frame that a client of a protobuf version sends: for tests that play one.
    pub fn to_frame(&self) -> Vec<u8> {
        let mut out = Vec::new();
        frame::write(&mut out, |out| {
            let number = self.number().unwrap_or_default() + PROTOBUF_OFFSET;
            out.extend_from_slice(&number.to_be_bytes());
            self.protobuf_body(out);
        });
        out
    }
}

impl Outgoing {
    /// Appends the frames that tell this to a client of `version`.
    pub fn encode(&self, version: i32, out: &mut Vec<u8>) {
        if version < PROTOBUF_FROM {
            return text::encode(self, version, out);
        }
        if let Self::History { bars, end } = self {
            protobuf_frame(17, bars, out);
            protobuf_frame(108, end, out);
        } else if let Some(number) = self.number() {
            frame::write(out, |out| {
                out.extend_from_slice(&(number + PROTOBUF_OFFSET).to_be_bytes());
                self.protobuf_body(out);
            });
        }
    }

    /// Reads a protobuf frame's body as a client does: for tests that play one.
    pub fn decode(body: &[u8]) -> Option<Self> {
        let (head, payload) = body.split_first_chunk::<4>()?;
        let number = i32::from_be_bytes(*head).checked_sub(PROTOBUF_OFFSET)?;
        Self::from_protobuf(number, payload)?.ok()
    }
}

fn protobuf_frame(number: i32, message: &impl prost::Message, out: &mut Vec<u8>) {
    frame::write(out, |out| {
        out.extend_from_slice(&(number + PROTOBUF_OFFSET).to_be_bytes());
        let _ = message.encode(out);
    });
}
